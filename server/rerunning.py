"""Making a run from the record of another: a replay, which asks and changes nothing, or a fork.

Each is a run in a session of its own, stored and queued in one transaction like
any other. Whether the record is enough is looked at before anything is stored.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from nodes.vocabulary.errors import RecordIncomplete
from nodes.vocabulary.events import RunRef
from persistence.pools import Database
from persistence.record import messages, sessions
from persistence.runs import events, runs
from persistence.runs.runs import Rerun, Run, Writes
from persistence.scope import Identity, Role, Scope
from persistence.text import shortened
from server.accept import first_event, title_of
from server.bodies import TITLE_MAX_CHARS, Fork
from server.rate import Rate, turn_of
from server.refusals import Refused

if TYPE_CHECKING:  # it imports LangGraph, which the program does when it starts
    from graph.replay.record import Record
    from graph.turn import Engine


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run to be made: what it is called, what it is asked, how it goes by the record, and what it may cost."""

    title: str
    message: str
    rerun: Rerun
    rate: Rate


async def replay(engine: "Engine", user_id: UUID, run_id: UUID, queue: str) -> Run:
    """Store a run that says and does what another did, from its record alone.

    Raises:
        Refused: there is no such run, it has not ended, or its record is not whole.
        TooMany: the person's last minute is full.
    """
    original = await _original(engine, user_id, run_id)
    if not (await _record(engine, user_id, run_id)).is_whole:
        raise Refused("record_incomplete")
    rerun = Rerun(original.id, Writes.RECORDED)
    wanted = Wanted(f"Replay: {title_of(original.request)}", original.request, rerun, Rate(engine.limits))
    return await _stored(engine.database, user_id, original, wanted, queue)


async def fork(engine: "Engine", user_id: UUID, run_id: UUID, said: Fork, queue: str) -> Run:
    """Store a run that goes by the record of another up to a step, or begins as that one began.

    Raises:
        Refused: there is no such run, step or model, it has not ended, its record is not whole, or the message is
            too long.
        TooMany: the person's last minute is full.
    """
    if said.model is not None and not engine.asked(said.model):
        raise Refused("unknown_model")
    if said.message is not None and len(said.message.encode()) > engine.limits.message_bytes:
        raise Refused("message_too_long")
    original = await _original(engine, user_id, run_id)
    if said.from_step is not None:
        record = await _record(engine, user_id, run_id)
        if said.from_step not in record.planned_steps:
            raise Refused("unknown_step")
        if record.revision_of(said.from_step) is None:
            raise Refused("record_incomplete")
    message = said.message or original.request
    rerun = Rerun(original.id, Writes(said.writes), said.from_step, said.model, said.step_words)
    rate = Rate(engine.limits, engine.least_tokens(message, said.model))
    wanted = Wanted(f"Fork: {title_of(message)}", message, rerun, rate)
    return await _stored(engine.database, user_id, original, wanted, queue)


async def _original(engine: "Engine", user_id: UUID, run_id: UUID) -> Run:
    async with engine.database.acting(Role.API, Identity(user_id)) as scope:
        run = await runs.find(scope, run_id)
    if run is None:
        raise Refused("not_found")
    if not run.finished:
        raise Refused("run_not_finished")
    return run


async def _record(engine: "Engine", user_id: UUID, run_id: UUID) -> "Record":
    try:
        return await engine.record_of(user_id, run_id)
    except RecordIncomplete:
        raise Refused("record_incomplete") from None


async def _stored(database: Database, user_id: UUID, original: Run, wanted: Wanted, queue: str) -> Run:
    async with turn_of(database, user_id), database.acting(Role.API, Identity(user_id)) as scope:
        spent = wanted.rate.look(scope)
        await scope.sent()
        charged = wanted.rate.charge(scope, spent)
        session_id = await _session(scope, original, wanted.title)
        run = await runs.insert_rerun(scope, session_id, wanted.message, wanted.rerun, queue)
        if run is None:
            raise Refused("not_found")  # it was deleted meanwhile
        session = await sessions.find(scope, session_id)
        assert session is not None, "it was just opened"
        messages.insert_request(scope, run.id, wanted.message)
        events.open_log(scope, run.id, first_event(session, RunRef(id=run.id, queue_place=0), charged.moment))
        runs.hand_on(scope, session_id)
    return run


async def _session(scope: Scope, original: Run, title: str) -> UUID:
    """Open a session about the same place, with the same mode of approvals."""
    before = await sessions.find(scope, original.session_id)
    if before is None:
        raise Refused("not_found")  # it was deleted meanwhile
    place = before.context_type, before.entity_id, before.approvals
    return sessions.insert(scope, shortened(title, TITLE_MAX_CHARS), *place)
