"""Asking the requests of the data set: each by a person of its own, in a fresh demo workspace."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from nodes.vocabulary.view import Arrival, RunView, reduce
from persistence.record import users
from persistence.runs.events import LoggedEvent
from persistence.scope import Identity, Role
from persistence.workspace import demo, notes
from persistence.workspace.contents import contents
from server.accept import accept
from server.bodies import Ask
from server.evaluation.judging import Outcome, Verdict, effects_between, judged
from server.evaluation.request import Request
from server.tail import tail
from server.trace import trace_of
from server.wiring import Planwright

NOBODY: Final = Identity(UUID(int=0))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A message that was asked to the end."""

    run_id: UUID
    session_id: UUID
    answer: str


async def verdicts_on(planwright: Planwright, requests: Sequence[Request], time_zone: str) -> AsyncGenerator[Verdict]:
    """Ask one request after the other, and judge what comes of it."""
    for request in requests:
        yield await _verdict_on(planwright, request, time_zone)


async def _verdict_on(planwright: Planwright, request: Request, time_zone: str) -> Verdict:
    zone = ZoneInfo(request.time_zone or time_zone)
    database, someone = planwright.database, await _person_of(planwright, request, zone)
    session_id: UUID | None = None
    for earlier in request.before:
        session_id = (await _ask(planwright, someone, earlier, session_id)).session_id
    async with database.acting(Role.API, someone) as scope:
        before = await contents(scope)
    asked_at = datetime.now(zone)
    asked = await _ask(planwright, someone, request.request, session_id)
    async with database.acting(Role.API, someone) as scope:
        after = await contents(scope)
        trace = await trace_of(scope, asked.run_id)
    assert trace is not None, "it has just run"
    outcome = Outcome(
        asked_at=asked_at,
        status=trace.run.status,
        route=trace.run.strategy,
        tools=tuple(call.tool for call in trace.tool_calls),
        effects=effects_between(before, after),
        answer=asked.answer,
        tokens=trace.run.prompt_tokens + trace.run.completion_tokens,
        seconds=(trace.run.duration_ms or 0) / 1000,
    )
    return judged(request, outcome)


async def _person_of(planwright: Planwright, request: Request, zone: ZoneInfo) -> Identity:
    async with planwright.database.acting(Role.API, NOBODY) as scope:
        someone = Identity(await users.sign_up(scope, f"{uuid4()}@evaluation.invalid", zone.key))
    async with planwright.database.acting(Role.WORKER, someone) as scope:
        await demo.seed(scope, datetime.now(UTC), zone)
        for note in request.notes:
            await notes.insert(scope, notes.NewNote(note.title, note.content, None, [], None))
    return someone


async def _ask(planwright: Planwright, someone: Identity, message: str, session_id: UUID | None) -> _Asked:
    """Send a message as a person does, and follow its run to the end."""
    ask = Ask(message=message, session_id=session_id)
    run = (await accept(planwright.database, someone.user_id, ask, queue=planwright.queue)).run
    view = RunView()
    async with aclosing(tail(planwright.database, someone.user_id, run.id, 0, planwright.hub)) as events:
        async for event in events:
            if isinstance(event, LoggedEvent):
                view = reduce(view, Arrival(event.seq, event.payload))
    return _Asked(run.id, run.session_id, view.answer)
