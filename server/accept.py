"""Accepting a message: one transaction stores everything, and only then is anything answered.

Session, run, message and the first event stand or fall together. The session's
row is held meanwhile, so the runs of a session are ordered as they were accepted.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from nodes.vocabulary.events import RunRef, SessionBody, SessionOpened, encoded
from persistence.pools import Database
from persistence.queue import SHARED
from persistence.record import messages, sessions, users
from persistence.record.users import Permit
from persistence.runs import events, quoted_history, runs, waiting
from persistence.runs.events import KeyedEvent, LoggedEvent
from persistence.runs.runs import NewRun, Run, WantedRoute
from persistence.scope import Identity, Role, Scope
from persistence.text import shortened
from server.bodies import Ask, Quoted
from server.rate import Rate, turn_of
from server.refusals import Refused, SignInRefused, TooMany

TITLE_CHARS: Final = 60  # of the message's first words, until someone renames the session
HISTORY_MAX_BYTES: Final = 16 * 1024  # of quoted history; the newest part of a longer one is kept

RATE: Final = Rate()

IfBusy = Literal["enqueue", "reject"]


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a message is sent: once for each `key`, and what becomes of it in a session that is busy.

    Unless its sender `is_known`, it is looked whether they may sign in.
    """

    key: str | None = None
    if_busy: IfBusy = "enqueue"
    is_known: bool = True


USUAL: Final = Terms()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A run that is stored; `fresh` unless an earlier request with the same key made it.

    `told` are the header fields that say what the person may still send, `first` is the event that its log begins
    with, if it was just stored.
    """

    run: Run
    fresh: bool
    told: Mapping[str, str] = field(default_factory=dict[str, str])
    first: LoggedEvent | None = None


class _KeyTaken(Exception):
    """Another request with the same idempotency key was faster: this one's transaction must not stand."""


async def accept(
    database: Database,
    user_id: UUID,
    ask: Ask,
    terms: Terms = USUAL,
    *,
    queue: str = SHARED,
    rate: Rate = RATE,
) -> Accepted:
    """Store a message and queue its run, or find the run that the same key made, which is not charged again.

    The run is given to the workers of `queue` in the same transaction, unless
    others of its session come first; then at the end of the last of them.

    Raises:
        Refused: the message is too long, the session or the entity is not there, the
            session is busy and must not be, or the key was used for another request.
        TooMany: the person's last minute is full.
        SignInRefused: the person is not known here, or disabled; it is looked for if the terms say so.
    """
    if len(ask.message.encode()) > rate.limits.message_bytes:
        raise Refused("message_too_long")
    digest, key = digest_of(ask), terms.key
    with database.precedence.short():
        async with turn_of(database, user_id):
            if key is not None and (earlier := await _made_with(database, user_id, terms, digest)) is not None:
                return earlier
            try:
                async with database.acting(Role.API, Identity(user_id)) as scope:
                    permit = _permit(scope, user_id, terms)
                    told = await rate.charge(scope)
                    _refuse_unknown(permit)
                    session_id = await _session(scope, ask, terms.if_busy)
                    run, first = await _stored(scope, session_id, ask, digest, key, queue)
                return Accepted(run, fresh=True, told=told, first=first)
            except (_KeyTaken, TooMany) as missed:
                earlier = None if key is None else await _made_with(database, user_id, terms, digest)
                if earlier is not None:  # another process was faster with it
                    return earlier
                if isinstance(missed, TooMany):
                    raise
                raise Refused("not_found") from None  # it was deleted, with its session, between the two


def digest_of(ask: Ask) -> str:
    """Return the SHA-256 of what was asked, the same for every spelling of the same JSON.

    A usual route counts as none, as in the release that knew of none: a message is sent again to either.
    """
    usual = {"route"} if ask.route == "auto" else None
    return hashlib.sha256(ask.model_dump_json(exclude=usual).encode()).hexdigest()


async def _made_with(database: Database, user_id: UUID, terms: Terms, digest: str) -> Accepted | None:
    assert terms.key is not None, "nothing else names an earlier request"
    async with database.acting(Role.API, Identity(user_id)) as scope:
        permit = _permit(scope, user_id, terms)
        scope.ends_with_next()
        run = await runs.find_by_key(scope, terms.key)
    _refuse_unknown(permit)
    if run is None:
        return None
    if run.request_digest != digest:
        raise Refused("idempotency_mismatch")
    return Accepted(run, fresh=False)


def _permit(scope: Scope, user_id: UUID, terms: Terms) -> Permit | None:
    return None if terms.is_known else users.look_for_permit(scope, user_id)


def _refuse_unknown(permit: Permit | None) -> None:
    if permit is not None and not permit.is_given:
        raise SignInRefused


async def _session(scope: Scope, ask: Ask, if_busy: IfBusy) -> UUID:
    if ask.session_id is None:
        return await _new_session(scope, ask)
    session = await sessions.hold(scope, ask.session_id)
    if session is None:
        raise Refused("not_found")
    if if_busy == "reject" and await waiting.unfinished_in(scope, session.id):
        raise Refused("session_busy")
    return session.id


async def _new_session(scope: Scope, ask: Ask) -> UUID:
    if ask.entity_id is not None and not await sessions.entity_exists(scope, ask.place, ask.entity_id):
        raise Refused("not_found")
    return sessions.insert(scope, title_of(ask.message), ask.place, ask.entity_id, ask.approvals or "auto")


async def _stored(
    scope: Scope, session_id: UUID, ask: Ask, digest: str, key: str | None, queue: str
) -> tuple[Run, LoggedEvent]:
    """Store the run of a message, and with it what there is only if there is the run; all of it in one question."""
    new = NewRun(session_id, ask.message, digest, key, queue, WantedRoute(ask.route))

    async def with_it() -> KeyedEvent:
        messages.insert_request(scope, new.id, ask.message)
        return await first_event(scope, session_id, new.id)

    run, opening = await scope.together(runs.insert(scope, new), with_it())
    if run is None:
        raise _KeyTaken
    if ask.session_id is None and ask.history:
        await quoted_history.store(scope, new.id, quoted(ask.history))
    first = events.open_log(scope, new.id, opening)
    runs.hand_on(scope, session_id)
    return run, first


async def first_event(scope: Scope, session_id: UUID, run_id: UUID) -> KeyedEvent:
    """Return the event that a run's log begins with."""
    place = runs.look_for_place(scope, run_id)
    session = await sessions.find(scope, session_id)
    assert session is not None, "this transaction holds it"
    body = SessionBody.model_validate(session, from_attributes=True)
    event = SessionOpened(session=body, run=RunRef(id=run_id, queue_place=place.number))
    return KeyedEvent("session", event.type, encoded(event))


def title_of(message: str) -> str:
    """Return a session's first title: the message's first words."""
    words = " ".join(message.split())
    if len(words) <= TITLE_CHARS:
        return words
    whole, space, _ = words[:TITLE_CHARS].rpartition(" ")
    return f"{whole}…" if space else shortened(words, TITLE_CHARS)


def quoted(history: tuple[Quoted, ...]) -> str:
    """Return the newest messages that fit `HISTORY_MAX_BYTES`, as a JSON list in order."""
    kept: list[dict[str, str]] = []
    for message in reversed(history):
        kept.insert(0, message.model_dump())
        if len(_as_json(kept).encode()) > HISTORY_MAX_BYTES:
            return _as_json(kept[1:])
    return _as_json(kept)


def _as_json(history: list[dict[str, str]]) -> str:
    return json.dumps(history, ensure_ascii=False)
