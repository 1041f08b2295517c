"""Sessions and runs of a person, as the server and a worker make them: what tests of the record begin with."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from persistence.pools import Database
from persistence.record import agents, sessions
from persistence.record.agents import NewPlanner
from persistence.runs import events, runs
from persistence.runs.events import KeyedEvent, LoggedEvent
from persistence.runs.runs import NewRun, Run, RunStatus
from persistence.scope import Identity, Role, Scope
from tests.conftest import Person

NO_JOB = 0


def new_planner(scope: Scope, session_id: UUID, run_id: UUID, tools: Sequence[str], system_prompt: str) -> UUID:
    """Write the planner of a run down."""
    planner = NewPlanner(session_id, run_id, tools, system_prompt)
    agents.insert_planner(scope, planner)
    return planner.id


async def inserted(scope: Scope, new: NewRun) -> Run | None:
    """Store a run; return it, or None when a run with its idempotency key was there."""
    on_its_way = runs.insert(scope, new)
    await scope.sent()
    return on_its_way.run


@dataclass(frozen=True)
class Office:
    """One person's runs: they are queued as the API does it, and worked on as a worker does."""

    database: Database
    person: Person

    async def new_session(self) -> UUID:
        """Open a conversation."""
        async with self.database.acting(Role.API, self.person.identity) as scope:
            return sessions.insert(scope, "Plans", "global", None)

    async def queue(self, session_id: UUID | None = None, *, key: str | None = None) -> Run:
        """Queue a run, in a session of its own if none is named."""
        session = session_id or await self.new_session()
        async with self.database.acting(Role.API, self.person.identity) as scope:
            run = await inserted(scope, NewRun(session, "hello", uuid4().hex, key))
        assert run is not None
        return run

    async def claim(self, run_id: UUID, attempt: int | None = None) -> Run | None:
        """Take a run if it can be taken, for the attempt after the one named or else after its last."""
        async with self.database.acting(Role.WORKER, self.person.identity) as scope:
            run = await runs.find(scope, run_id)
            after = attempt if attempt is not None or run is None else run.attempt
            return await runs.claim(scope, run_id, after or 0, NO_JOB)

    async def take(self, run_id: UUID) -> Identity:
        """Take a run, also from a worker that has not been heard of; return whom its new worker acts as."""
        run = await self.claim(run_id)
        assert run is not None, "it is the run's turn"
        return Identity(self.person.id, run.id, run.attempt)

    async def begin(self) -> Identity:
        """Queue a run and take it."""
        return await self.take((await self.queue()).id)

    @asynccontextmanager
    async def working(self, worker: Identity) -> AsyncGenerator[Scope]:
        """Open a transaction of a run's worker."""
        async with self.database.acting(Role.WORKER, worker) as scope:
            yield scope

    @asynccontextmanager
    async def asking(self) -> AsyncGenerator[Scope]:
        """Open a transaction of the API."""
        async with self.database.acting(Role.API, self.person.identity) as scope:
            yield scope

    async def append(self, worker: Identity, batch: Sequence[KeyedEvent]) -> None:
        """Append to the log of the worker's run."""
        async with self.working(worker) as scope:
            events.append(scope, batch)

    async def log_of(self, run_id: UUID) -> list[LoggedEvent]:
        """Return the whole log of a run."""
        async with self.asking() as scope:
            return await events.after(scope, run_id, 0, 10_000)

    async def finish(self, worker: Identity, status: RunStatus = RunStatus.DONE) -> None:
        """End the worker's run."""
        assert worker.run_id is not None
        async with self.working(worker) as scope:
            runs.finish(scope, worker.run_id, status)

    async def row(self, run_id: UUID) -> Run:
        """Return a run as its row stands."""
        async with self.asking() as scope:
            run = await runs.find(scope, run_id)
        assert run is not None
        return run


def run_of(worker: Identity) -> UUID:
    """Return the run that a worker holds."""
    assert worker.run_id is not None
    return worker.run_id
