"""`/api/agent/stream`: send a message and follow its run; list sessions, or read one."""

import logging
import re
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response

from persistence.record import messages, sessions
from persistence.record.messages import Message
from persistence.record.sessions import Session
from persistence.scope import Identity, Role
from server.accept import IfBusy, Terms, accept
from server.auth import SignedIn, TheWriter, confirmed
from server.bodies import Ask, Id
from server.cursor import cursor_of, standing
from server.dependencies import TheServer
from server.door import body_of
from server.guarded import followed
from server.logs import about
from server.openapi import EVENTS, body_as, header, refusing
from server.rate import Rate
from server.refusals import Refused, Unavailable
from server.sse import EventStream

SESSIONS_SHOWN: Final = 50
MESSAGES_SHOWN: Final = 500  # the newest; a session that long has been forgotten by its own planner
_KEY: Final = re.compile(r"[!-~]{1,200}")

log = logging.getLogger(__name__)
router: Final = APIRouter(prefix="/api/agent/stream", tags=["messages"])


@dataclass(frozen=True, slots=True)
class SessionList:
    """The newest active sessions, the one last used first."""

    sessions: list[Session]


@dataclass(frozen=True, slots=True)
class SessionWithMessages:
    """One session and its newest messages, in order."""

    session: Session
    messages: list[Message]


@router.post(
    "",
    response_class=Response,
    responses=EVENTS
    | refusing(
        "bad_cursor",
        "events_expired",
        "idempotency_mismatch",
        "invalid_idempotency_key",
        "message_empty",
        "message_exceeds_budget",
        "message_too_long",
        "not_found",
        "not_ready",
        "session_busy",
        "tokens_spent",
        "too_many_requests",
    ),
    openapi_extra=body_as(Ask) | header("Idempotency-Key", "With the same key the same message makes no second run."),
)
async def send(request: Request, planwright: TheServer, caller: TheWriter, if_busy: IfBusy = "enqueue") -> EventStream:
    """Send a message; the answer is the event log of its run, from the first event."""
    async with confirmed(request, planwright, caller):
        key = _key(request.headers.getlist("idempotency-key"))
        cursor = cursor_of(request)
        ask = await body_of(request, Ask)
        if planwright.stopping.is_set():
            raise Unavailable("not_ready")
        accepted = await accept(
            planwright.database,
            caller.user_id,
            ask,
            Terms(key, if_busy, caller.is_known),
            queue=planwright.queue,
            rate=Rate(planwright.engine.limits, planwright.engine.least_tokens(ask.message)),
        )
        with about(accepted.run.id):
            log.info("Accepted" if accepted.fresh else "Asked for again")
        after = 0 if accepted.fresh else standing(accepted.run, cursor)
    return EventStream(followed(planwright, caller, accepted.run.id, after, known=accepted.first), accepted.told)


@router.get("")
async def read(
    planwright: TheServer, user_id: SignedIn, session_id: Id | None = None
) -> SessionList | SessionWithMessages:
    """List the newest active sessions, or return one with its messages."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        if session_id is None:
            return SessionList(await sessions.newest(scope, SESSIONS_SHOWN))
        session = await sessions.find(scope, session_id)
        if session is None:
            raise Refused("not_found")
        return SessionWithMessages(session, await messages.of_session(scope, session_id, MESSAGES_SHOWN))


def _key(given: list[str]) -> str | None:
    if not given:
        return None
    if len(given) > 1 or _KEY.fullmatch(given[0]) is None:
        raise Refused("invalid_idempotency_key")
    return given[0]
