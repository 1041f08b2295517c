"""`/api/agent/runs/{run_id}/decision`: approve, change or deny the calls that a run waits for."""

from typing import Final

from fastapi import APIRouter, Request, Response

from server.auth import SignedIn, TheCaller
from server.bodies import Decision, Id
from server.deciding import decide
from server.dependencies import TheServer
from server.door import body_of
from server.guarded import followed
from server.openapi import EVENTS, body_as, refusing
from server.refusals import Unavailable
from server.sse import EventStream

router: Final = APIRouter(prefix="/api/agent/runs", tags=["runs"])


@router.post(
    "/{run_id}/decision",
    response_class=Response,
    responses=EVENTS
    | refusing(
        "already_decided",
        "approval_expired",
        "arguments_refused",
        "digest_mismatch",
        "not_ready",
        "not_waiting",
        "unknown_call",
    ),
    openapi_extra=body_as(Decision),
)
async def say(request: Request, planwright: TheServer, user_id: SignedIn, caller: TheCaller, run_id: Id) -> EventStream:
    """Decide on the calls that a run waits for; the answer is its event log behind the pause."""
    said = await body_of(request, Decision)
    if planwright.stopping.is_set():
        raise Unavailable("not_ready")
    registry = planwright.engine.registry
    after = await decide(planwright.database, registry, user_id, run_id, said, planwright.queue)
    planwright.hub.told(run_id)
    return EventStream(followed(planwright, caller, run_id, after))
