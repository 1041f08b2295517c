"""Accepting a message: one transaction stores everything, and only then is anything answered.

Session, run, message and the first event stand or fall together. The session's
row is held meanwhile, so the runs of a session are ordered as they were accepted.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from nodes.vocabulary.events import RunRef, SessionBody, SessionOpened, encoded
from persistence.pools import Database
from persistence.queue import SHARED
from persistence.record import messages, sessions, users
from persistence.record.sessions import Session
from persistence.record.users import Permit
from persistence.runs import events, quoted_history, runs
from persistence.runs.events import KeyedEvent, LoggedEvent
from persistence.runs.runs import Inserted, NewRun, QueuePlace, Run, WantedRoute
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
                    spent = rate.look(scope)
                    into = await _session(scope, ask)
                    await scope.sent()
                    charged = rate.charge(scope, spent)
                    _refuse_unknown(permit)
                    session, place = into.joined(terms.if_busy)
                    new = NewRun(session.id, ask.message, digest, key, queue, WantedRoute(ask.route))
                    inserted = await _inserted(scope, new)
                    opening = first_event(session, RunRef(id=new.id, queue_place=place), charged.moment)
                    first = _with_it(scope, new, ask, opening)
                assert inserted.run is not None, "no other run has its key"
                return Accepted(inserted.run, fresh=True, told=charged.told, first=first)
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


@dataclass(frozen=True, slots=True)
class _Into:
    """The session that a message goes into, and its place there; once both have their outcomes."""

    look: sessions.Look
    place: QueuePlace | None = None  # a new session has no runs

    def joined(self, if_busy: IfBusy) -> tuple[Session, int]:
        """Return the session and how many runs come before.

        Raises:
            Refused: it is not there, or busy and must not be.
        """
        session = self.look.session
        if session is None:
            raise Refused("not_found")
        place = 0 if self.place is None else self.place.number
        if if_busy == "reject" and place:
            raise Refused("session_busy")
        return session, place


async def _session(scope: Scope, ask: Ask) -> _Into:
    """Open the session that a message begins, or hold the one that it goes into."""
    if ask.session_id is not None:
        return _Into(sessions.look_and_hold(scope, ask.session_id), runs.look_for_place(scope, ask.session_id))
    if ask.entity_id is not None and not await sessions.entity_exists(scope, ask.place, ask.entity_id):
        raise Refused("not_found")
    session_id = sessions.insert(scope, title_of(ask.message), ask.place, ask.entity_id, ask.approvals or "auto")
    return _Into(sessions.look_and_hold(scope, session_id))


async def _inserted(scope: Scope, new: NewRun) -> Inserted:
    """Store a run; whether its key is free has to be known before anything is stored with it."""
    inserted = runs.insert(scope, new)
    if new.idempotency_key is not None:
        await scope.sent()
        if inserted.run is None:
            raise _KeyTaken
    return inserted


def _with_it(scope: Scope, new: NewRun, ask: Ask, opening: KeyedEvent) -> LoggedEvent:
    """Store what there is only if there is the run; return its first event."""
    messages.insert_request(scope, new.id, ask.message)
    if ask.session_id is None and ask.history:
        quoted_history.store(scope, new.id, quoted(ask.history))
    first = events.open_log(scope, new.id, opening)
    runs.hand_on(scope, new.session_id)
    return first


def first_event(session: Session, run: RunRef, moment: datetime) -> KeyedEvent:
    """Return the event that a run's log begins with: the session as it is when the run's message came, at a moment."""
    counted = replace(session, message_count=session.message_count + 1, last_message_at=moment, updated_at=moment)
    event = SessionOpened(session=SessionBody.model_validate(counted, from_attributes=True), run=run)
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
