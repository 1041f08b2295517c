"""The queue of runs, on real connections: who gets a job, when, and what becomes of jobs that nobody works on."""

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection, Notify
from psycopg.abc import Params
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from persistence.errors import StatementRefused
from persistence.pipelined import PipelinedConnection, Sent
from persistence.pools import Database
from persistence.queue import SHARED, Job, JobLeft, Queue, Rhythm, Turn
from persistence.runs import runs
from persistence.runs.runs import NewRun, Run
from persistence.scope import DISPATCH, Role, login
from tests.conftest import TEST_SECRET, Person
from tests.faults.proxy import Proxy
from tests.run_rows import Office, inserted
from tests.server.reading import until

QUICK = Rhythm(jobs_at_once=4, heartbeat_seconds=0.1, lease_seconds=0.5, drain_seconds=1.0)
NEVER = Rhythm(jobs_at_once=4, heartbeat_seconds=600.0, lease_seconds=3600.0, drain_seconds=1.0)
PATIENCE_SECONDS = 20.0


async def at_once() -> None:
    """Let a job be taken whenever there is one."""


@dataclass
class Hands:
    """Works on jobs as the test says."""

    taken: asyncio.Queue[Job] = field(default_factory=asyncio.Queue[Job])
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Queue[bool] = field(default_factory=asyncio.Queue[bool])
    raises: Exception | None = None

    async def act(self, job: Job, is_cancelled: Callable[[], bool]) -> None:
        """Note the job, wait, and end or fail."""
        self.taken.put_nowait(job)
        if self.raises is not None:
            raise self.raises
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.stopped.put_nowait(is_cancelled())

    async def next(self) -> Job:
        """Return the next job that was begun."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.taken.get()


@dataclass
class Site:
    """A queue of the test's own."""

    dsn: str
    name: str
    office: Office
    admin: AsyncConnection[TupleRow]

    @asynccontextmanager
    async def working(
        self, hands: Hands, rhythm: Rhythm = QUICK, name: str | None = None, turn: Turn = at_once
    ) -> AsyncGenerator[Queue]:
        """Have a worker at work on the queue."""
        queue = Queue(self.dsn, TEST_SECRET, name or self.name)
        working = asyncio.create_task(queue.work(hands.act, rhythm, turn))
        try:
            yield queue
        finally:
            hands.go_on.set()
            queue.stop()
            await working

    async def queued(self) -> Run:
        """Store a run and give it to the workers, as accepting a message does."""
        session = await self.office.new_session()
        async with self.office.asking() as scope:
            run = await inserted(scope, NewRun(session, "hello", uuid4().hex, None, self.name))
            assert run is not None
            runs.hand_on(scope, session)
        return run

    async def claimed(self, job: Job) -> Run:
        """Take the run of a job, as a worker does."""
        async with self.office.working(self.office.person.identity) as scope:
            run = await runs.claim(scope, job.run_id, job.attempt, job.id)
        assert run is not None
        return run

    async def jobs(self, run_id: UUID) -> list[tuple[str, str]]:
        """Return queue and status of each job of a run."""
        found = await self.admin.execute(
            "select queue_name, status::text from procrastinate_jobs where args ->> 'run_id' = %s", (str(run_id),)
        )
        return [(str(row[0]), str(row[1])) for row in await found.fetchall()]

    async def until(self, run_id: UUID, *expected: tuple[str, str]) -> None:
        """Wait until a run has these jobs."""

        async def has_them() -> bool:
            return await self.jobs(run_id) == list(expected)

        await until(has_them)


@pytest.fixture
async def site(database: Database, person: Person, admin_dsn: str) -> AsyncIterator[Site]:
    """Give a queue that nobody else's runs are in."""
    async with await AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute("set search_path = planwright_queue")
        yield Site(admin_dsn, f"test {uuid4().hex}", Office(database, person), admin)


async def test_a_job_wakes_a_worker(site: Site) -> None:
    """A job is begun because the worker is told of it, long before it would look by itself; ended, it is gone."""
    hands = Hands()
    async with site.working(hands, NEVER):
        first, second = await site.queued(), await site.queued()
        begun = {(await hands.next()).run_id, (await hands.next()).run_id}
        hands.go_on.set()
        await site.until(first.id)
    assert begun == {first.id, second.id}


async def test_a_job_that_comes_during_a_fetch_is_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is told of it while it hears that there is nothing, and looks again all the same."""
    send, answer, fetches = PipelinedConnection.send, PipelinedConnection.answer, dict[PipelinedConnection, Sent]()
    found_one, fetching, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def noting(connection: PipelinedConnection, query: str, params: Params | None = None) -> Sent:
        sent = send(connection, query, params)
        if "fetch_job" in query:
            fetches[connection] = sent
        return sent

    async def slowly(connection: PipelinedConnection) -> None:
        await answer(connection)
        fetch = fetches.pop(connection, None)
        if fetch is not None and found_one.is_set():
            fetching.set()
            await go_on.wait()
        elif fetch is not None and fetch.touched:
            found_one.set()

    notifies, listening, heard = PipelinedConnection.notifies, asyncio.Event(), asyncio.Semaphore(0)

    async def counted(connection: PipelinedConnection) -> AsyncGenerator[Notify]:
        listening.set()
        async for notification in notifies(connection):
            yield notification
            heard.release()  # the worker has come back for the next

    monkeypatch.setattr(PipelinedConnection, "notifies", counted)
    monkeypatch.setattr(PipelinedConnection, "send", noting)
    monkeypatch.setattr(PipelinedConnection, "answer", slowly)
    hands = Hands()
    async with site.working(hands, NEVER):
        await listening.wait()
        first = await site.queued()
        await fetching.wait()
        await heard.acquire()
        second = await site.queued()
        await heard.acquire()
        go_on.set()
        assert [(await hands.next()).run_id, (await hands.next()).run_id] == [first.id, second.id]


async def test_a_job_is_taken_when_it_is_its_turn(site: Site) -> None:
    """Until then it waits in the queue, though the worker knows of it."""
    hands, asked, turn = Hands(), asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        asked.set()
        await turn.wait()

    async with site.working(hands, turn=wait):
        run = await site.queued()
        await asked.wait()
        assert await site.jobs(run.id) == [(site.name, "todo")]
        turn.set()
        assert (await hands.next()).run_id == run.id


async def test_a_job_that_was_rolled_back_never_was(site: Site) -> None:
    """The job stands and falls with the transaction that made it the run's turn."""
    hands = Hands()
    session = await site.office.new_session()

    async def hand_on_and_fail() -> None:
        async with site.office.asking() as scope:
            await inserted(scope, NewRun(session, "hello", uuid4().hex, None, site.name))
            runs.hand_on(scope, session)
            await scope.execute("select 1 / 0")

    with pytest.raises(StatementRefused):
        await hand_on_and_fail()
    async with site.working(hands):
        other = await site.queued()
        assert (await hands.next()).run_id == other.id


async def test_a_run_is_given_out_once(site: Site) -> None:
    """However often its turn is announced, a run that waits stands in the queue once."""
    run = await site.queued()
    for _ in range(3):
        async with site.office.asking() as scope:
            runs.hand_on(scope, run.session_id)
    assert await site.jobs(run.id) == [(site.name, "todo")]


async def test_a_persons_stop_reaches_the_worker(site: Site) -> None:
    """A job is cancelled when its run is to be stopped, and its worker knows that a person wants it."""
    hands = Hands()
    async with site.working(hands, NEVER):
        run = await site.queued()
        await site.claimed(await hands.next())
        async with site.office.asking() as scope:
            assert await runs.request_cancel(scope, run.id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await hands.stopped.get() is True
        await site.until(run.id)


FORGED = (
    '{{"type": "abort_job_requested", "job_id": {job}}}',
    '{{"type": "abort_job_requested", "job_id": true}}',
    '{{"type": "abort_job_requested", "job_id": 99999999999999999999}}',
    '{{"type": "abort_job_requested"}}',
    '{{"type": null}}',
    "[{job}]",
    "no JSON",
    "",
    "[" * 7_000,
)


async def test_what_anybody_can_tell_a_worker_stops_nothing(site: Site, stranger: Person) -> None:
    """NOTIFY cannot be taken from a login: that a run is to be stopped is believed of the queue's table only."""
    hands = Hands()
    async with site.working(hands, replace(NEVER, jobs_at_once=2 + len(FORGED))):
        await site.queued()
        job = await hands.next()
        for payload in FORGED:
            text = SQL("notify {}, {}").format(
                Identifier(f"procrastinate_queue_v1#{site.name}"), Literal(payload.format(job=job.id))
            )
            async with site.office.database.acting(Role.WORKER, stranger.identity) as scope:
                await scope.connection.execute(text)
            await site.queued()  # told behind the forged one, so that has been heard when this begins
            await hands.next()
            assert hands.stopped.empty()


async def test_a_persons_stop_reaches_a_worker_that_drains(site: Site) -> None:
    """A worker that takes nothing more still hears that what it holds is to be stopped."""
    hands = Hands()
    async with site.working(hands, replace(QUICK, drain_seconds=60.0)) as queue:
        run = await site.queued()
        await site.claimed(await hands.next())
        queue.stop()
        async with site.office.asking() as scope:
            assert await runs.request_cancel(scope, run.id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await hands.stopped.get() is True
        await site.until(run.id)


async def test_two_who_give_out_a_run_at_once_give_it_out_once(site: Site) -> None:
    """Whoever comes second waits for the first and finds the job there; neither fails."""
    run = await site.queued()
    await site.admin.execute(
        "update procrastinate_jobs set status = 'doing' where queueing_lock = %s", (f"{run.id}:0",)
    )
    async with asyncio.TaskGroup() as group, site.office.asking() as scope:
        runs.hand_on(scope, run.session_id)
        beating = group.create_task(site.admin.execute("select beat(0, %s, '{}', 0.01)", (site.name,)))

        async def is_answered_or_waits() -> bool:
            query = "select true from pg_stat_activity where %s = any (pg_blocking_pids(pid))"
            return beating.done() or await scope.value(bool, query, (scope.connection.info.backend_pid,)) is True

        await until(is_answered_or_waits)
    assert await site.jobs(run.id) == [(site.name, "todo")]


async def test_a_job_that_does_not_end_in_time_is_cancelled_when_the_worker_stops(site: Site) -> None:
    """A worker that stops lets its jobs end for a while, and then cancels them, which no person wanted."""
    hands = Hands()
    async with site.working(hands) as queue:
        await site.queued()
        await hands.next()
        queue.stop()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await hands.stopped.get() is False


async def test_a_job_that_was_left_is_given_out_again(site: Site) -> None:
    """A job that could not be ended comes again, for the same attempt."""
    hands = Hands(raises=JobLeft())
    async with site.working(hands):
        run = await site.queued()
        first = await hands.next()
        second = await hands.next()
        hands.raises = None
        last = await hands.next()
        hands.go_on.set()
    assert {job.run_id for job in (first, second, last)} == {run.id}
    assert len({first.id, second.id, last.id}) == 3


async def test_the_jobs_of_a_silent_worker_are_replaced(site: Site) -> None:
    """What a worker held that gave no sign of life for a lease goes to another, for the next attempt."""
    silent, hands = Hands(), Hands()
    async with site.working(silent, NEVER):
        run = await site.queued()
        job = await silent.next()
        await site.claimed(job)
        await site.admin.execute("update procrastinate_workers set last_heartbeat = '2000-01-01'")
        async with site.working(hands):
            replaced = await hands.next()
            assert (replaced.run_id, replaced.attempt) == (run.id, 1)
            silent.go_on.set()  # it wakes up, and ends what it still takes for its own
            assert (await site.claimed(replaced)).attempt == 2
            hands.go_on.set()
            await site.until(run.id)


async def test_a_worker_that_counts_as_gone_gets_no_jobs(site: Site, proxy: Proxy) -> None:
    """It may still reach the queue, but another would take from it at once whatever it took."""

    async def looks() -> bool:
        return any("fetch_job" in text for text in proxy.texts)

    silent, hands = Hands(), Hands()
    async with replace(site, dsn=proxy.dsn).working(silent, NEVER):
        await site.queued()
        await silent.next()
        await site.admin.execute("update procrastinate_workers set last_heartbeat = '2000-01-01'")
        proxy.texts.clear()
        run = await site.queued()
        await until(looks)
        assert await site.jobs(run.id) == [(site.name, "todo")]
        async with site.working(hands):
            assert run.id in {(await hands.next()).run_id, (await hands.next()).run_id}
            hands.go_on.set()
            await site.until(run.id)
        assert silent.taken.empty()


async def test_a_replaced_job_whose_run_could_not_be_taken_comes_again(site: Site) -> None:
    """A run that its worker left is given out until someone takes it, however many failed or died before that."""
    silent, hands = Hands(), Hands(raises=JobLeft())
    async with site.working(silent, NEVER):
        await site.queued()
        await site.claimed(await silent.next())
        await site.admin.execute("update procrastinate_workers set last_heartbeat = '2000-01-01'")
        async with site.working(hands):
            tried = [await hands.next(), await hands.next()]
            hands.raises = None
            last = await hands.next()
            assert (await site.claimed(last)).attempt == 2
            hands.go_on.set()
    assert [job.attempt for job in (*tried, last)] == [1, 1, 1]


async def test_a_worker_that_stops_takes_no_job_whose_turn_comes_later(site: Site) -> None:
    """What it waited to take when it was told to stop is left to others."""
    hands, waits, its_turn = Hands(), asyncio.Event(), asyncio.Event()

    async def turn() -> None:
        waits.set()
        await its_turn.wait()

    async with site.working(hands, NEVER, turn=turn) as queue:
        run = await site.queued()
        await waits.wait()
        queue.stop()
        its_turn.set()
    assert await site.jobs(run.id) == [(site.name, "todo")]


async def test_a_job_that_failed_in_the_queue_of_a_process_stays_there(site: Site) -> None:
    """Others give it out only when that process is silent: its models may be other ones than theirs."""
    own, hands = f"own {uuid4().hex}", Hands(raises=JobLeft())
    async with site.working(hands, NEVER, name=own):
        session = await site.office.new_session()
        async with site.office.asking() as scope:
            run = await inserted(scope, NewRun(session, "hello", uuid4().hex, None, own))
            runs.hand_on(scope, session)
        assert run is not None
        await hands.next()
        await site.until(run.id, (own, "failed"))
        await site.admin.execute("select beat(2147483647, 'anothers', '{}', 3600)")
        assert await site.jobs(run.id) == [(own, "failed")]
        await site.admin.execute("select beat(2147483647, 'anothers', '{}', 0)")
        assert await site.jobs(run.id) == [(SHARED, "todo")]


async def test_a_worker_that_woke_up_does_not_end_anothers_job(site: Site) -> None:
    """The replaced job is another row: ending the old one changes nothing."""
    silent, hands = Hands(), Hands()
    async with site.working(hands):
        async with site.working(silent, NEVER, name=f"other {uuid4().hex}") as queue:
            session = await site.office.new_session()
            async with site.office.asking() as scope:
                run = await inserted(scope, NewRun(session, "hello", uuid4().hex, None, queue.name))
                runs.hand_on(scope, session)
            assert run is not None
            await site.claimed(await silent.next())
            await site.admin.execute(
                "update procrastinate_workers set last_heartbeat = '2000-01-01' where id in ("
                "select worker_id from procrastinate_jobs where queue_name = %s)",
                (queue.name,),
            )
            await site.until(run.id, (SHARED, "todo"))
        assert await site.jobs(run.id) == [(SHARED, "todo")]


async def test_a_job_that_is_there_no_more_has_ended(site: Site) -> None:
    """It was replaced as its worker was silent, or the answer to its end got lost: that is no error."""
    unheard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))
    hands = Hands()
    async with site.working(hands, NEVER):
        run = await site.queued()
        job = await hands.next()
        await site.admin.execute("delete from procrastinate_jobs where id = %s", (job.id,))
        hands.go_on.set()
        another = await site.queued()
        await hands.next()
        await site.until(another.id)
    gc.collect()  # which is when an exception that nobody asked for is told
    asyncio.get_running_loop().set_exception_handler(None)
    assert await site.jobs(run.id) == []
    assert unheard == []


async def test_a_job_in_the_queue_of_a_process_that_is_gone_becomes_everybodys(site: Site) -> None:
    """A run that a command accepted and did not work on goes to the workers that take whatever there is."""
    run = await site.queued()
    async with site.working(Hands(), name=f"other {uuid4().hex}"):
        await site.until(run.id, (SHARED, "todo"))


async def test_a_waiting_run_can_be_brought_to_another_queue(site: Site) -> None:
    """Whoever follows a run that nobody works on can work on it."""
    hands = Hands()
    run = await site.queued()
    async with site.working(hands, NEVER, name=f"other {uuid4().hex}") as queue:
        async with site.office.asking() as scope:
            await runs.bring(scope, run.id, queue.name)
        assert (await hands.next()).run_id == run.id


async def test_lost_connections_are_replaced(site: Site) -> None:
    """After the server ended every connection of the queue, a worker hears of jobs and of stops as before."""
    hands = Hands()
    heard_only = Rhythm(jobs_at_once=4, heartbeat_seconds=1.0, lease_seconds=60.0, drain_seconds=1.0)
    async with site.working(hands, heard_only):
        await site.queued()
        await hands.next()
        await site.admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (DISPATCH,)
        )
        run = await site.queued()
        await site.claimed(await hands.next())
        async with site.office.asking() as scope:
            await runs.request_cancel(scope, run.id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await hands.stopped.get() is True


async def test_a_worker_whose_row_was_removed_goes_on(site: Site) -> None:
    """A worker that was taken for gone gives its next sign of life and works as before."""
    hands = Hands()
    async with site.working(hands):
        await site.queued()
        await hands.next()
        await site.admin.execute("delete from procrastinate_workers")
        await site.queued()
        await hands.next()


async def test_a_worker_that_never_reached_its_database_can_be_stopped(tmp_path: Path) -> None:
    """Before the first connection stands a worker waits for it, and no longer than it may."""
    queue = Queue(make_conninfo(host=str(tmp_path), dbname="nowhere"), TEST_SECRET)
    working = asyncio.create_task(queue.work(Hands().act, QUICK, at_once))
    await asyncio.sleep(0)
    queue.stop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await working


@pytest.mark.parametrize("table", ["runs", "chat_messages", "tasks", "checkpoints", "context_keys"])
def test_the_queues_login_sees_nothing_of_anybody(admin_dsn: str, table: str) -> None:
    """Its login reads the queue's tables, in which ids stand, and no other."""
    with psycopg.connect(login(admin_dsn, DISPATCH, TEST_SECRET)) as queue:
        queue.execute("select args from procrastinate_jobs")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            queue.execute(SQL("select * from {}").format(Identifier("planwright", table)))
