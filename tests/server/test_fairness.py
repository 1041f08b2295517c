"""Many runs of one person: some are at work, the others wait, and nobody else waits for them."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from nodes.vocabulary.log import Told
from persistence.pools import Database
from persistence.queue import Queue, Rhythm
from persistence.record import sessions
from persistence.runs import runs
from persistence.runs.runs import Run
from persistence.scope import Identity, Role
from server.accept import accept
from server.bodies import Ask
from server.tail import Hub
from server.worker import Worker
from tests.conftest import TEST_SECRET, Person
from tests.server.reading import ended, until
from tests.server.scripted_turns import ScriptedTurns

PLACES: Final = 3
MANY: Final = 12
FAIR: Final = Rhythm(jobs_at_once=16, heartbeat_seconds=0.1, lease_seconds=0.6, drain_seconds=5.0, of_one_person=PLACES)
NO_BEAT: Final = replace(FAIR, heartbeat_seconds=60.0, lease_seconds=600.0)


class Counted(ScriptedTurns):
    """Turns that count how many of each person are at work, and how many there were at most."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, before=[], after=["Done."])
        self.at_work = Counter[UUID]()
        self.most = Counter[UUID]()

    async def run(self, identity: Identity, told: Told) -> None:
        """Play the script for one run."""
        who = identity.user_id
        self.at_work[who] += 1
        self.most[who] = max(self.most[who], self.at_work[who])
        try:
            await super().run(identity, told)
        finally:
            self.at_work[who] -= 1


@dataclass
class Work:
    """Workers on a queue of this test's own, all playing the same turns."""

    database: Database
    dsn: str
    queue: str
    turns: Counted

    @asynccontextmanager
    async def by(self, workers: int, rhythm: Rhythm = FAIR) -> AsyncGenerator[None]:
        """Have so many workers at work."""
        made = [
            Worker(self.database, Queue(self.dsn, TEST_SECRET, self.queue, self.queue), turns.turns(), Hub(), rhythm)
            for turns in [self.turns] * workers
        ]
        for worker in made:
            worker.start()
        try:
            yield
        finally:
            self.turns.go_on.set()
            await asyncio.gather(*(worker.stop() for worker in made))

    async def ask(self, person: Person) -> Run:
        """Accept a message in a session of its own."""
        return (await accept(self.database, person.id, Ask(message="Hello"), queue=self.queue)).run

    async def full(self, person: Person) -> None:
        """Return when every place of the person is taken and no job waits any more."""

        async def is_full() -> bool:
            return self.turns.at_work[person.id] == PLACES and await self._waiting_jobs() == 0

        await until(is_full)

    async def _waiting_jobs(self) -> int:
        async with await AsyncConnection.connect(self.dsn, autocommit=True) as admin:
            found = await admin.execute(
                "select count(*) from planwright_queue.procrastinate_jobs where queue_name = %s and status = 'todo'",
                (self.queue,),
            )
            row = await found.fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def work(database: Database, queue: Queue, admin_dsn: str) -> Work:
    """Give work that stands still until the test lets it go on."""
    return Work(database, admin_dsn, queue.name, Counted(database))


async def all_ended(database: Database, person: Person, made: list[Run]) -> list[str]:
    """Wait for every run's end; return how they ended."""
    return [(await ended(database, person, str(run.id))).status for run in made]


@pytest.mark.parametrize("rhythm", [FAIR, NO_BEAT], ids=["with beats", "without a beat"])
async def test_one_person_has_some_places_and_others_have_theirs(
    work: Work, database: Database, person: Person, stranger: Person, rhythm: Rhythm
) -> None:
    """Of twelve runs three are at work, on two workers; a stranger's begins at once; in the end all were done."""
    made = [await work.ask(person) for _ in range(MANY)]
    async with work.by(2, rhythm):
        await work.full(person)
        theirs = await work.ask(stranger)
        await until(lambda: _is_at_work(work, stranger))
        work.turns.go_on.set()
        assert await all_ended(database, person, made) == ["done"] * MANY
        assert await all_ended(database, stranger, [theirs]) == ["done"]
    assert work.turns.most[person.id] == PLACES


async def _is_at_work(work: Work, person: Person) -> bool:
    return bool(work.turns.at_work[person.id])


async def test_what_a_dead_worker_left_takes_no_place_for_ever(work: Work, database: Database, person: Person) -> None:
    """Runs whose worker is gone are taken over though all places are theirs, and the others follow."""
    made = [await work.ask(person) for _ in range(MANY)]
    async with await AsyncConnection.connect(work.dsn, autocommit=True) as admin:
        await admin.execute("set search_path = planwright_queue")
        for run in made[:PLACES]:
            found = await admin.execute(
                "update procrastinate_jobs set status = 'doing' where queueing_lock = %s returning id", (f"{run.id}:0",)
            )
            row = await found.fetchone()
            assert row is not None
            async with database.acting(Role.WORKER, person.identity) as scope:
                assert await runs.claim(scope, run.id, 0, row[0]) is not None
    async with work.by(1):
        await work.full(person)
        work.turns.go_on.set()
        assert await all_ended(database, person, made) == ["done"] * MANY
    assert work.turns.most[person.id] == PLACES


async def test_a_run_that_overlooked_a_free_place_is_found(work: Work, database: Database, person: Person) -> None:
    """When the runs at work vanish with their sessions and hand nothing on, the next beat does."""
    made = [await work.ask(person) for _ in range(2 * PLACES)]
    async with work.by(1):
        await work.full(person)
        for identity in list(work.turns.began):
            run = next(run for run in made if run.id == identity.run_id)
            async with database.acting(Role.API, person.identity) as scope:
                assert await sessions.delete(scope, run.session_id)
            made.remove(run)
        work.turns.go_on.set()
        assert await all_ended(database, person, made) == ["done"] * PLACES


async def test_a_run_that_is_to_be_stopped_needs_no_place(work: Work, database: Database, person: Person) -> None:
    """A run that was put down and is cancelled then is ended at once, however many others are at work."""
    put_down = await work.ask(person)
    async with database.acting(Role.WORKER, person.identity) as scope:
        taken = await runs.claim(scope, put_down.id, 0, 0)
    assert taken is not None
    async with database.acting(Role.WORKER, Identity(person.id, taken.id, taken.attempt)) as scope:
        await runs.put_down(scope, taken.id, work.queue)
    others = [await work.ask(person) for _ in range(MANY)]
    async with database.acting(Role.API, person.identity) as scope:
        await runs.request_cancel(scope, put_down.id)
    async with work.by(1):
        assert await all_ended(database, person, [put_down]) == ["cancelled"]
        work.turns.go_on.set()
        assert await all_ended(database, person, others) == ["done"] * MANY
