"""Whole turns for tests: a person asks, a scripted model answers over real HTTP, everything else is real."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from graph.ending import end_cancelled
from graph.models import ModelProfile, chat_models, close_chat_models
from graph.turn import Engine, run_turn
from nodes.vocabulary.limits import Limits
from persistence.errors import CancelRequested
from persistence.pools import Database
from persistence.record import messages, sessions
from persistence.runs import events, runs
from persistence.runs.events import LoggedEvent
from persistence.runs.runs import NewRun, Run, WantedRoute
from persistence.scope import Identity, Role
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.run_rows import inserted
from tests.scripted_model.intents import everything
from tests.scripted_model.replies import Reply, call, tools
from tests.scripted_model.script import Script
from tests.scripted_model.server import ScriptedModel
from tools.registry import Registry

NO_JOB = 0
Payload = dict[str, Any]


class Died(BaseException):
    """The process is no more. No handler of the program may catch it."""


@dataclass(frozen=True)
class Turn:
    """A turn that ended: its run's row, its events in order and the answer as a person reads it."""

    run: Run
    events: list[Payload]

    @property
    def types(self) -> list[str]:
        """Return the type of each event."""
        return [str(event["type"]) for event in self.events]

    def all(self, kind: str) -> list[Payload]:
        """Return the events of one type."""
        return [event for event in self.events if event["type"] == kind]

    def places(self, kind: str, *, number: int | None = None) -> set[int]:
        """Return where events of a type stand, of any step or of one."""
        return {
            place
            for place, event in enumerate(self.events)
            if event["type"] == kind and (number is None or event["step"]["stepNumber"] == number)
        }

    @property
    def text(self) -> str:
        """Return the answer, as the stream told it."""
        return "".join(str(event["content"]) for event in self.all("text"))


@dataclass
class Desk:
    """One person at one installation whose models follow a script."""

    database: Database
    person: Person
    engine: Engine
    model: ScriptedModel
    session_id: UUID | None = None
    heard: list[int] = field(default_factory=list[int])
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: str, route: WantedRoute = WantedRoute.AUTO) -> Turn:
        """Send a message into the desk's session and run its turn to the end."""
        return await self.finish(await self.accept(request, route=route))

    async def accept(
        self,
        request: str,
        *,
        context_type: str = "global",
        entity_id: UUID | None = None,
        route: WantedRoute = WantedRoute.AUTO,
    ) -> UUID:
        """Store a message and its run, as the server does before it answers."""
        async with self.database.acting(Role.API, self.person.identity) as scope:
            if self.session_id is None:
                self.session_id = sessions.insert(scope, request[:100], context_type, entity_id)
            run = await inserted(scope, NewRun(self.session_id, request, uuid4().hex, route=route))
            assert run is not None
            messages.insert(scope, self.session_id, run.id, "user", request)
        return run.id

    async def claim(self, run_id: UUID) -> Identity:
        """Take a run, as a worker does."""
        async with self.database.acting(Role.WORKER, self.person.identity) as scope:
            known = await runs.find(scope, run_id)
            assert known is not None
            run = await runs.claim(scope, run_id, known.attempt, NO_JOB)
        assert run is not None, "it is the run's turn"
        return Identity(self.person.id, run.id, run.attempt)

    async def finish(self, run_id: UUID) -> Turn:
        """Take a run and work on it to its end."""
        await run_turn(self.engine, await self.claim(run_id), self.hear)
        return await self.turn(run_id)

    async def taken_up(self, run_id: UUID) -> Turn:
        """Work on a run to its end, unless it has ended."""
        turn = await self.turn(run_id)
        return turn if turn.run.finished else await self.finish(run_id)

    async def crash(self, run_id: UUID, commits: int) -> bool:
        """Take a run and die right after so many commits that appended events: nothing follows the commit.

        Returns whether there were so many.
        """
        left = commits

        def count(_events: Sequence[LoggedEvent]) -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                raise Died

        try:
            await run_turn(self.engine, await self.claim(run_id), count)
        except (Died, BaseExceptionGroup):
            return True
        return False

    async def request_cancel(self, run_id: UUID) -> bool:
        """Ask for a run to be stopped, as the API does; say whether it had not ended."""
        async with self.database.acting(Role.API, self.person.identity) as scope:
            return await runs.request_cancel(scope, run_id)

    async def stop(self, identity: Identity, turn: asyncio.Task[None]) -> None:
        """Wait for a turn, and end its run as a worker does when it was stopped before its end."""
        await asyncio.wait({turn})
        if turn.cancelled() or isinstance(turn.exception(), CancelRequested):
            await end_cancelled(self.database, identity, self.hear)
        else:
            turn.result()

    async def heard_of(self, run_id: UUID, kind: str, *, number: int) -> None:
        """Return as soon as a step's event of that type stands in the log."""
        while True:
            self.news.clear()
            if (await self.turn(run_id)).places(kind, number=number):
                return
            await self.news.wait()

    def hear(self, _events: Sequence[LoggedEvent]) -> None:
        """Take note of a commit that appended events."""
        self.heard.append(1)
        self.news.set()

    async def turn(self, run_id: UUID) -> Turn:
        """Return a run as it stands."""
        async with self.database.acting(Role.API, self.person.identity) as scope:
            run = await runs.find(scope, run_id)
            logged = await events.after(scope, run_id, 0, 10_000)
        assert run is not None
        return Turn(run, [json.loads(event.payload) for event in logged])

    async def rows(self, query: str, *parameters: object) -> list[Payload]:
        """Return what a SELECT finds among the person's rows."""
        async with self.database.acting(Role.WORKER, self.person.identity) as scope:
            cursor = await scope.connection.execute(query.encode(), parameters)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


@asynccontextmanager
async def desk(
    database: Database,
    person: Person,
    script: Script | Iterable[Reply],
    *,
    limits: Limits | None = None,
    registry: Registry | None = None,
    intents: Script = everything,
) -> AsyncGenerator[Desk]:
    """Give a desk whose planner is the model `deep` and whose executors are `quick`, both scripted.

    `intents` answers what a run may change.
    """
    with ScriptedModel(script, intents=intents) as server:
        planner = chat_models(ModelProfile("deep", server.base_url))
        executor = chat_models(ModelProfile("quick", server.base_url))
        engine = Engine(database, registry or Registry.build(), tuple(planner), tuple(executor), limits or ROOMY)
        try:
            yield Desk(database, person, engine, server)
        finally:
            await close_chat_models([*planner, *executor])


def step(
    number: int, *, by: str = "executor", tool: str | Sequence[str] = "list_tasks", after: Sequence[int] = ()
) -> Payload:
    """Return one step of a plan as a model writes it."""
    return {
        "stepNumber": number,
        "type": "gather" if by == "executor" else "write",
        "description": f"Do part {number}.",
        "executorRequired": by == "executor",
        "tools": [tool] if isinstance(tool, str) else list(tool),
        "dependsOn": list(after),
    }


def plan(*steps: Payload) -> Reply:
    """Return the reply that hands in a plan."""
    return tools(call("create_plan", {"reasoning": "It is large.", "goal": "Order.", "steps": list(steps)}))


def submit(summary: str = "Found it.", status: str = "complete") -> Reply:
    """Return the reply by which an executor hands in its result."""
    return tools(call("submit_result", {"status": status, "summary": summary}))
