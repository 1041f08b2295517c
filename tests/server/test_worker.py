"""Runs at work."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from graph.ending import end_failed
from nodes.vocabulary.events import TERMINAL_TYPES
from nodes.vocabulary.log import Told
from persistence.errors import DatabaseUnavailable, PersistenceError, StatementTimedOut, TransactionLost
from persistence.gate import behind_those_at_work
from persistence.pools import Database
from persistence.queue import Queue, Rhythm
from persistence.runs import events, runs
from persistence.runs.runs import Run
from persistence.scope import Identity, Role, Scope
from server import worker as worker_module
from server.accept import accept
from server.bodies import Ask
from server.tail import Hub
from server.worker import Turns, Worker
from tests.conftest import TEST_SECRET, Person
from tests.server.reading import ended, run_of, until
from tests.server.scripted_turns import ScriptedTurns

FAST = Rhythm(jobs_at_once=4, heartbeat_seconds=0.1, lease_seconds=0.6, drain_seconds=5.0)


@dataclass
class Work:
    """A queue of this test's own."""

    database: Database
    dsn: str
    queue: str

    @asynccontextmanager
    async def by(self, script: ScriptedTurns, rhythm: Rhythm = FAST) -> AsyncGenerator[Worker]:
        """Give a worker that plays the script, and stop it after."""
        queue = Queue(self.dsn, TEST_SECRET, self.queue, successor=self.queue)
        worker = Worker(self.database, queue, script.turns(), Hub(), rhythm)
        worker.start()
        try:
            yield worker
        finally:
            script.go_on.set()
            await worker.stop()

    async def ask(self, person: Person, session_id: UUID | None = None) -> Run:
        """Accept a message."""
        return (
            await accept(self.database, person.id, Ask(message="Hello", session_id=session_id), queue=self.queue)
        ).run

    async def follow(self, run: Run) -> None:
        """Give a run that is at work to the workers once more."""
        async with await AsyncConnection.connect(self.dsn, autocommit=True) as admin:
            await admin.execute(
                "select planwright_queue.add_job(r, %s) from planwright.runs r where id = %s", (self.queue, run.id)
            )

    async def leave_behind(self, person: Person, run: Run) -> None:
        """Have a worker that is gone hold a run: its job is at work, and nobody gives a sign of life for it."""
        async with await AsyncConnection.connect(self.dsn, autocommit=True) as admin:
            await admin.execute("set search_path = planwright_queue")
            found = await admin.execute(
                "update procrastinate_jobs set status = 'doing' where queueing_lock = %s returning id",
                (f"{run.id}:{run.attempt}",),
            )
            row = await found.fetchone()
        assert row is not None, "the run was in the queue"
        async with self.database.acting(Role.WORKER, person.identity) as scope:
            assert await runs.claim(scope, run.id, run.attempt, row[0]) is not None


@pytest.fixture
def work(database: Database, queue: Queue, admin_dsn: str) -> Work:
    """Give workers on one queue, as many as a test asks for."""
    return Work(database, admin_dsn, queue.name)


async def types_of(database: Database, person: Person, run: Run) -> list[str]:
    """Return the types of a run's events."""
    async with database.acting(Role.API, person.identity) as scope:
        return [event.type for event in await events.after(scope, run.id, 0, 1000)]


@pytest.fixture
def waiting_script(database: Database) -> ScriptedTurns:
    """Give turns that wait in their middle until the test lets them go on."""
    return ScriptedTurns(database, before=["One, "], after=["two."])


async def test_a_run_is_worked_on_to_its_end(
    work: Work, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """A run that was accepted is taken once and reaches its terminal event."""
    async with work.by(script), work.by(script):
        run = await work.ask(person)
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt, len(script.began)) == ("done", 1, 1)
    assert await types_of(database, person, run) == ["session", "text", "text", "done"]


async def test_the_runs_of_a_session_take_turns(
    work: Work, database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """A second message waits for the first, and is taken up by itself when the first has ended."""
    first = await work.ask(person)
    second = await work.ask(person, first.session_id)
    async with work.by(waiting_script):
        await waiting_script.at_the_gate.wait()
        waiting = await run_of(database, person, str(second.id))
        waiting_script.go_on.set()
        await ended(database, person, str(second.id))
    assert waiting is not None
    assert waiting.status == "queued"
    assert [identity.run_id for identity in waiting_script.began] == [first.id, second.id]


async def test_what_was_left_behind_is_taken_up(
    work: Work, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """A worker takes the runs that were queued before it started, and those that a worker that is gone held."""
    queued, dropped = await work.ask(person), await work.ask(person)
    await work.leave_behind(person, dropped)
    async with work.by(script):
        assert (await ended(database, person, str(queued.id))).attempt == 1
        taken_over = await ended(database, person, str(dropped.id))
    assert (taken_over.status, taken_over.attempt, taken_over.crashes) == ("done", 2, 1)


async def test_a_held_run_is_nobody_elses(
    work: Work, database: Database, person: Person, waiting_script: ScriptedTurns, script: ScriptedTurns
) -> None:
    """While a worker gives signs of life no other takes its run, however long it lasts, also while it drains."""
    patient = replace(FAST, drain_seconds=60.0)
    async with work.by(waiting_script, patient) as worker:
        run = await work.ask(person)
        await waiting_script.at_the_gate.wait()
        async with work.by(script):
            stopping = asyncio.create_task(worker.stop())
            for _ in range(3):  # the second worker is quick at once, and again after more than a lease
                other = await work.ask(person)
                await ended(database, person, str(other.id))
                await asyncio.sleep(FAST.lease_seconds / 2)
            waiting_script.go_on.set()
            row = await ended(database, person, str(run.id))
        await stopping
    assert row.attempt == 1


async def test_a_worker_that_lost_its_run_stops_quietly(
    work: Work, database: Database, person: Person, waiting_script: ScriptedTurns, script: ScriptedTurns
) -> None:
    """When another attempt took the run, the earlier one writes nothing more and does not end the other's job."""
    async with work.by(waiting_script):
        run = await work.ask(person)
        await waiting_script.at_the_gate.wait()
        async with database.acting(Role.WORKER, person.identity) as scope:
            other = await runs.claim(scope, run.id, 1, 0)
        assert other is not None
        waiting_script.go_on.set()
        following = await work.ask(person)
        await ended(database, person, str(following.id))
    row = await run_of(database, person, str(run.id))
    assert row is not None
    assert (row.status, row.attempt) == ("running", 2)
    assert await types_of(database, person, run) == ["session", "text"]


async def test_an_attempt_that_its_own_process_follows_with_the_next_one_is_stopped(
    work: Work, database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """A worker that was silent may get its own run again: what waits there for a lost database makes place."""
    async with work.by(waiting_script, replace(FAST, jobs_at_once=2)):
        run = await work.ask(person)
        await waiting_script.at_the_gate.wait()
        await work.follow(run)
        other = await work.ask(person)

        async def has_begun() -> bool:
            return {(began.run_id, began.attempt) for began in waiting_script.began} >= {(run.id, 2), (other.id, 1)}

        await until(has_begun)
        waiting_script.go_on.set()
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt) == ("done", 2)


class LingeringTurns(ScriptedTurns):
    """A first attempt that waits until it is stopped, and then takes its time to go."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, before=["One."], after=[])
        self.go_on.set()
        self.may_go = asyncio.Event()

    async def run(self, identity: Identity, told: Told) -> None:
        """Play the script for a later attempt."""
        if identity.attempt != 1:
            return await super().run(identity, told)
        self.at_the_gate.set()
        try:
            await asyncio.Event().wait()
        finally:
            await self.may_go.wait()


async def test_an_attempt_may_go_behind_the_one_that_followed_it(
    work: Work, database: Database, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """One that waits for a lost database takes a while to stop; the next has ended by then, and nothing is wrong."""
    script = LingeringTurns(database)
    async with work.by(script):
        run = await work.ask(person)
        await script.at_the_gate.wait()
        await work.follow(run)
        assert (await ended(database, person, str(run.id))).attempt == 2
        script.may_go.set()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_two_jobs_for_one_attempt_are_one(
    work: Work, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """A run that was given out twice is worked on once: a job names the attempt that it follows."""
    run = await work.ask(person)
    await work.leave_behind(person, run)
    async with database.acting(Role.API, person.identity) as scope:
        await scope.execute("update runs set status = 'queued', attempt = 0 where id = %s", (run.id,))
        runs.hand_on(scope, run.session_id)
    async with work.by(script):
        row = await ended(database, person, str(run.id))
    assert (row.attempt, len(script.began)) == (1, 1)


async def test_a_cancelled_run_keeps_what_was_said(
    work: Work, database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """A run that is stopped in its middle, by whichever process, ends as cancelled, once, with its text so far."""
    async with work.by(waiting_script):
        run = await work.ask(person)
        await waiting_script.at_the_gate.wait()
        for _ in range(2):
            async with database.acting(Role.API, person.identity) as scope:
                await runs.request_cancel(scope, run.id)
        row = await ended(database, person, str(run.id))
    assert (row.status, row.finished_reason) == ("cancelled", "cancelled")
    assert await types_of(database, person, run) == ["session", "text", "done"]


async def test_a_run_cancelled_before_it_is_taken_never_begins(
    work: Work, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """A run whose stop was asked for before it was taken ends without a turn."""
    run = await work.ask(person)
    async with database.acting(Role.API, person.identity) as scope:
        await runs.request_cancel(scope, run.id)
    async with work.by(script):
        assert (await ended(database, person, str(run.id))).status == "cancelled"
    assert script.began == []


async def test_an_error_nobody_foresaw_ends_the_run_and_is_logged_without_its_text(
    work: Work, database: Database, person: Person, script: ScriptedTurns, caplog: pytest.LogCaptureFixture
) -> None:
    """A turn that raises ends by an `error` event; the log says where it happened and not what was in it."""
    script.raised = KeyError("the person's secret diary")
    run = await work.ask(person)
    with caplog.at_level(logging.ERROR, "server.worker"):
        async with work.by(script):
            row = await ended(database, person, str(run.id))
    assert (row.status, row.error_code) == ("error", "internal")
    assert "KeyError < scripted_turns.py:" in caplog.text
    assert "diary" not in caplog.text


@pytest.mark.parametrize(
    ("error", "crashes"), [(DatabaseUnavailable(), 0), (StatementTimedOut(), 1), (TransactionLost(), 1)]
)
async def test_a_run_that_could_not_be_written_is_taken_up_again(
    work: Work, database: Database, person: Person, script: ScriptedTurns, error: PersistenceError, crashes: int
) -> None:
    """A database that was away is nobody's fault; what else it refuses counts as a try of the run."""
    script.raised = error

    class Once(ScriptedTurns):
        async def run(self, identity: Identity, told: Told) -> None:
            self.raised = error if identity.attempt == 1 else None
            await super().run(identity, told)

    once = Once(database, ["One, "], ["two."])
    once.go_on.set()
    async with work.by(once):
        run = await work.ask(person)
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt, row.crashes) == ("done", 2, crashes)


async def test_a_turn_that_was_cancelled_by_nobody_is_taken_up_again(
    work: Work, database: Database, person: Person
) -> None:
    """A turn that something inside it cancelled has no end: its run is not left without a worker."""

    class CutOff(ScriptedTurns):
        async def run(self, identity: Identity, told: Told) -> None:
            if identity.attempt == 1:
                raise asyncio.CancelledError
            await super().run(identity, told)

    cut_off = CutOff(database, ["One, "], ["two."])
    cut_off.go_on.set()
    async with work.by(cut_off):
        run = await work.ask(person)
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt, row.crashes) == ("done", 2, 1)


async def test_an_end_that_fails_is_tried_again_and_logged_without_its_text(
    work: Work, database: Database, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """When an end cannot be written down for a reason nobody foresaw, it is tried again; no log tells its text."""
    tries: list[int] = []

    class Unwritten(ScriptedTurns):
        def turns(self) -> Turns:
            return replace(super().turns(), end_failed=self.end_failed)

        async def end_failed(self, identity: Identity, told: Told, code: str, *, retryable: bool) -> None:
            tries.append(identity.attempt or 0)
            if len(tries) == 1:
                raise ValueError("the person's secret diary")
            await end_failed(self.database, identity, told, code, retryable=retryable)

    unwritten = Unwritten(database, [], [])
    unwritten.raised = KeyError("the person's secret diary")
    unwritten.go_on.set()
    with caplog.at_level(logging.DEBUG):
        async with work.by(unwritten):
            run = await work.ask(person)
            row = await ended(database, person, str(run.id))
    assert (row.error_code, tries) == ("internal", [1, 2])
    assert "ValueError < test_worker.py:" in caplog.text
    assert "diary" not in caplog.text


async def test_a_database_that_stays_away_counts_as_no_crash(work: Work, person: Person, admin_dsn: str) -> None:
    """A run whose database was away for longer than a lease is put down when that is back, and loses no try by it."""

    class Distant(Database):
        away = False
        refused = 0

        @asynccontextmanager
        async def acting(
            self, role: Role, who: Identity, *, lent: bool = False, first: Callable[[Scope], None] | None = None
        ) -> AsyncGenerator[Scope]:
            if self.away:
                self.refused += 1
                raise DatabaseUnavailable
            async with super().acting(role, who, lent=lent, first=first) as scope:
                yield scope

    class Once(ScriptedTurns):
        async def run(self, identity: Identity, told: Told) -> None:
            distant.away = identity.attempt == 1
            await super().run(identity, told)

    distant = Distant(admin_dsn, TEST_SECRET)
    await distant.open()
    once = Once(distant, ["One, "], ["two."])
    once.go_on.set()
    async with replace(work, database=distant).by(once):
        run = await work.ask(person)
        since = monotonic()

        async def is_away_for_long() -> bool:
            return distant.refused > 0 and monotonic() - since > 2 * FAST.lease_seconds

        await until(is_away_for_long)
        distant.away = False
        row = await ended(work.database, person, str(run.id))
    await distant.close()
    assert (row.status, row.attempt, row.crashes) == ("done", 2, 0)


class Busy(ScriptedTurns):
    """Turns of a process with one connection for runs: each comes when the test says so."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, [], [])
        self.come: Final = defaultdict[UUID | None, asyncio.Event](asyncio.Event)
        self.served: list[UUID | None] = []

    async def run(self, identity: Identity, told: Told) -> None:
        """Wait to be called, then for the connection."""
        self.began.append(identity)
        await self.come[identity.run_id].wait()
        async with self.database.acting(Role.WORKER, identity) as scope:
            await scope.execute("select 1")
        self.served.append(identity.run_id)
        await self._finish(identity, told)

    async def have_begun(self, wanted: int) -> None:
        """Wait until so many turns have begun."""

        async def so_many() -> bool:
            return len(self.began) == wanted

        await until(so_many)

    async def wait_for_it(self, wanted: int) -> None:
        """Wait until so many wait for the connection."""

        async def so_many() -> bool:
            return self.database.use()[Role.WORKER].awaited == wanted

        await until(so_many)


@pytest.fixture
async def busy(admin_dsn: str) -> AsyncGenerator[Busy]:
    """Give turns over one connection."""
    narrow = Database(admin_dsn, TEST_SECRET, sizes=dict.fromkeys(Role, 1))
    await narrow.open()
    yield Busy(narrow)
    await narrow.close()


async def test_the_run_that_began_first_is_served_first(
    work: Work, database: Database, person: Person, busy: Busy
) -> None:
    """However late an earlier run asks for the database, it is let in before the later ones."""
    async with replace(work, database=busy.database).by(busy):
        asked: list[Run] = []
        for number in (1, 2):
            asked.append(await work.ask(person))
            await busy.have_begun(number)
        first, second = asked
        with behind_those_at_work():
            async with busy.database.acting(Role.WORKER, person.identity):
                busy.come[second.id].set()
                await busy.wait_for_it(1)
                busy.come[first.id].set()
                await busy.wait_for_it(2)
        for run in asked:
            await ended(database, person, str(run.id))
    assert busy.served == [first.id, second.id]


async def test_a_stop_reaches_a_run_that_waits_behind_others(
    work: Work, database: Database, person: Person, busy: Busy
) -> None:
    """A person's stop ends the turn while it waits; what is left to do is to write that down."""
    stopped = asyncio.Event()

    class Stopped(Busy):
        async def run(self, identity: Identity, told: Told) -> None:
            try:
                await super().run(identity, told)
            except asyncio.CancelledError:
                stopped.set()
                raise

    turns = Stopped(busy.database)
    async with replace(work, database=busy.database).by(turns):
        run = await work.ask(person)
        await turns.have_begun(1)
        with behind_those_at_work():
            async with busy.database.acting(Role.WORKER, person.identity):
                turns.come[run.id].set()
                await turns.wait_for_it(1)
                async with database.acting(Role.API, person.identity) as scope:
                    await runs.request_cancel(scope, run.id)
                await stopped.wait()
        row = await ended(database, person, str(run.id))
    assert (row.status, turns.served) == ("cancelled", [])


async def test_a_run_that_takes_every_worker_down_is_given_up(
    work: Work, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """After three attempts that came to no end a run ends visibly, its turn is not begun again, others flow."""
    run = await work.ask(person)
    await work.leave_behind(person, run)
    async with database.acting(Role.WORKER, person.identity) as scope:
        await scope.execute("update runs set crashes = %s where id = %s", (worker_module.ATTEMPTS_MAX - 1, run.id))
    other = await work.ask(person)
    async with work.by(script):
        row = await ended(database, person, str(run.id))
        assert (await ended(database, person, str(other.id))).status == "done"
    assert (row.status, row.error_code) == ("error", "attempts_exhausted")
    assert [identity.run_id for identity in script.began] == [other.id]


async def test_a_stopping_worker_lets_turns_end(
    work: Work, database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """A worker that is told to stop takes nothing more and waits for what it holds."""
    async with work.by(waiting_script) as worker:
        run = await work.ask(person)
        await waiting_script.at_the_gate.wait()
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0)
        later = await work.ask(person)
        waiting_script.go_on.set()
        await stopping
    row, left = await run_of(database, person, str(run.id)), await run_of(database, person, str(later.id))
    assert row is not None
    assert left is not None
    assert (row.status, left.status) == ("done", "queued")


async def test_a_turn_that_does_not_end_is_put_down_for_others(
    work: Work, database: Database, person: Person, waiting_script: ScriptedTurns, script: ScriptedTurns
) -> None:
    """What has not ended when the process must go is free at once for another worker, and counts as no crash."""
    slow = Rhythm(jobs_at_once=1, heartbeat_seconds=20, lease_seconds=60, drain_seconds=0.05)
    async with work.by(waiting_script, slow) as worker:
        run = await work.ask(person)
        await waiting_script.at_the_gate.wait()
        await worker.stop()
    async with work.by(script, slow):
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt, row.crashes) == ("done", 2, 0)


async def test_no_more_runs_are_held_than_there_are_places(
    work: Work, database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """With one place the second session's run waits until the first has ended."""
    async with work.by(waiting_script, replace(FAST, jobs_at_once=1)):
        await work.ask(person)
        second = await work.ask(person)
        await waiting_script.at_the_gate.wait()
        waiting = await run_of(database, person, str(second.id))
        waiting_script.go_on.set()
        await ended(database, person, str(second.id))
    assert waiting is not None
    assert waiting.status == "queued"


async def test_a_finished_run_has_one_terminal_event_and_nothing_after_it(
    work: Work, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """The terminal event is the last, and there is one."""
    run = await work.ask(person)
    async with work.by(script):
        await ended(database, person, str(run.id))
    types = await types_of(database, person, run)
    assert [kind in TERMINAL_TYPES for kind in types] == [False] * (len(types) - 1) + [True]
