"""The queue of runs, on Procrastinate: which of them this process works on, and what became of those that others held.

The truth about a run is its row; a job only says that someone should look at
it now. It names the attempt that it follows (`migrations/0009_queue.sql`), so a
job that comes twice or too late is of no effect.

Seven things of Procrastinate 3.10 are mended here (decision 10). A statement of its
loops that meets a database that is away ends them, the listener's silently; here
they wait for it. A notification that comes while it fetches is forgotten, and one
that comes before it listens is not heard; here the one is said again, of a new job if
no fetch has begun since, and jobs are looked for when listening begins. A job of a silent worker that is given back can
still be ended by that worker when it wakes up, so such jobs are replaced by new ones.
The end of a job that is there no more is an error that nobody hears; here it has ended.
A worker that counts as gone can still fetch jobs, which others take from it at once; here it gets none.
And what a notification says is believed, though every login may send one; here the
word that a job is to be stopped is held against the queue's table, and nonsense is passed over.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, LiteralString, TypeVar
from uuid import UUID

from procrastinate import App, JobContext
from procrastinate.connector import LISTEN_TIMEOUT, Notify
from procrastinate.exceptions import ConnectorException, NoResult
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job as ProcrastinateJob
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker
from psycopg import AsyncConnection, Error, OperationalError
from psycopg.errors import RaiseException

from persistence.pipelined import PipelinedConnection
from persistence.queue_pool import ANSWER_SECONDS, queue_pool
from persistence.scope import DISPATCH, Secret, login

SHARED: Final = "runs"  # the queue of every process that works on whatever there is; a name has at most 40 characters
TASK: Final = "work_on"  # as `add_job` in migrations/0009_queue.sql names it
CONNECTIONS_MAX: Final = 4  # beside the listener: fetching, ending, beating, one to spare
ECHO_SECONDS: Final = 0.05  # longer than a fetch that finds nothing
ABORT_POLL_SECONDS: Final = 1.0  # how late a cancel is seen whose notification got lost
LOOK: Final = '{"type": "job_inserted", "job_id": 0}'  # as the queue's triggers say that there is a job
BIGINT_MAX: Final = 2**63 - 1
PAUSES_SECONDS: Final = (0.1, 0.3, 1.0)  # between two tries to reach the database; the last one again and again
FETCH: Final = """
    select job.* from procrastinate_workers me, procrastinate_fetch_job_v2(%(queues)s::varchar[], me.id) job
    where me.id = %(me)s and me.last_heartbeat >= clock_timestamp() - make_interval(secs => %(lease)s)
        and job.id is not null
"""

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """The wish that a run be worked on, for the attempt after `attempt`."""

    id: int
    run_id: UUID
    user_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How many jobs are worked on at once, how often a worker gives a sign of life, and when it counts as gone."""

    jobs_at_once: int
    heartbeat_seconds: float
    lease_seconds: float
    drain_seconds: float
    of_one_person: int | None = None  # at once, in all processes; None: as many as there are


Act = Callable[[Job, Callable[[], bool]], Awaitable[None]]
"""What a job is worked on by. It is cancelled to stop it; the second argument then says whether a person wants that."""


Turn = Callable[[], Awaitable[None]]


class JobLeft(Exception):
    """A job was not ended, and its run is still held: it is to be replaced."""


class Queue:
    """The jobs of one process: those of `name`, which are left to `successor` when it stops."""

    def __init__(self, conninfo: str, secret: Secret, name: str = SHARED, successor: str = SHARED) -> None:
        self.name: Final = name
        self.successor: Final = successor
        self._connector: Final = _Patient(login(conninfo, DISPATCH, secret))
        self._held: Final = dict[int, asyncio.Task[Any]]()
        self._unwanted: Final = set[int]()  # those of the held that a person stopped while this process drains
        self._worker: Worker | None = None
        self._stopping: Final = asyncio.Event()
        self.beat_at = float("-inf")  # when this process last gave a sign of life, by `time.monotonic`

    async def work(self, act: Act, rhythm: Rhythm, turn: Turn) -> None:
        """Work on jobs until `stop`; then let those at work end for `drain_seconds`, and cancel the rest.

        A job is taken when it is its `turn`.
        """
        app = App(connector=self._connector)

        async def may_fetch() -> bool:
            await turn()
            return not self._stopping.is_set()

        app.job_manager = _Jobs(self._connector, rhythm.lease_seconds, may_fetch)
        app.task(name=TASK, pass_context=True)(self._task(act))
        async with app.open_async(), asyncio.TaskGroup() as group:
            beating = group.create_task(self._beat(app, rhythm), name="queue heartbeat")
            try:
                while not self._stopping.is_set():
                    await self._fetch(app, rhythm)
            finally:
                beating.cancel()

    def stop(self) -> None:
        """Take no more jobs, and end `work`."""
        self._stopping.set()
        self._connector.patient = False
        if self._worker is not None:
            self._worker.stop()

    async def _fetch(self, app: App, rhythm: Rhythm) -> None:
        """Run Procrastinate's worker to its end; one that ends unasked is followed by another."""
        self._worker = Worker(
            app,
            queues=[self.name],
            concurrency=rhythm.jobs_at_once,
            fetch_job_polling_interval=rhythm.heartbeat_seconds,
            abort_job_polling_interval=ABORT_POLL_SECONDS,
            shutdown_graceful_timeout=rhythm.drain_seconds,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=rhythm.heartbeat_seconds,
            stalled_worker_timeout=rhythm.lease_seconds,
        )
        try:
            await self._worker.run()
        except ConnectorException as error:
            log.warning("The queue cannot be reached: %s", type(error.__cause__).__name__)
        if not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSES_SECONDS[-1]):
                    await self._stopping.wait()

    def _task(self, act: Act) -> Callable[..., Awaitable[None]]:
        async def work_on(context: JobContext, run_id: str, user_id: str, attempt: int) -> None:
            assert context.job.id is not None, "a fetched job has a number"
            job = Job(context.job.id, UUID(run_id), UUID(user_id), attempt)
            task = asyncio.current_task()
            assert task is not None, "a job is a task"
            self._held[job.id] = task
            try:
                await act(job, lambda: _stopped_by_person(context) or job.id in self._unwanted)
            finally:
                del self._held[job.id]
                self._unwanted.discard(job.id)

        return work_on

    async def _beat(self, app: App, rhythm: Rhythm) -> None:
        """Show that this worker is alive, also while it drains, and replace jobs that nobody works on."""
        while True:
            await asyncio.sleep(rhythm.heartbeat_seconds)
            me = None if self._worker is None else self._worker.worker_id
            if me is None:
                continue
            try:
                found = await app.connector.execute_query_one_async(
                    "select beat(%(me)s, %(queue)s, %(held)s::bigint[], %(lease)s) as replaced",
                    me=me,
                    queue=self.name,
                    held=list(self._held),
                    lease=rhythm.lease_seconds,
                )
                self.beat_at = monotonic()
                if self._stopping.is_set():
                    self._stop_unwanted(await app.job_manager.list_jobs_to_abort_async(self.name))
            except ConnectorException as error:
                log.warning("No sign of life could be given: %s", type(error.__cause__).__name__)
            else:
                if found["replaced"]:
                    log.info("%s jobs were left behind and are in the queue again", found["replaced"])

    def _stop_unwanted(self, jobs: Iterable[int]) -> None:
        """Cancel the jobs that a person stopped: Procrastinate's worker does not listen any more while it drains."""
        for job_id in self._held.keys() & set(jobs) - self._unwanted:
            self._unwanted.add(job_id)
            self._held[job_id].cancel()


def _stopped_by_person(context: JobContext) -> bool:
    return context.abort_reason() is AbortReason.USER_REQUEST


def _told(payload: str) -> object:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


def _is_of_new_job(payload: str) -> bool:
    match _told(payload):
        case {"type": "job_inserted"}:
            return True
        case _:
            return False


class _Jobs(JobManager):
    """The jobs of a queue, as a worker takes and ends them."""

    def __init__(self, connector: "_Patient", lease_seconds: float, may_fetch: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(connector)
        self._patient: Final = connector
        self._lease_seconds: Final = lease_seconds
        self._may_fetch: Final = may_fetch

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> ProcrastinateJob | None:
        """Take the next job, if there is one and this worker does not stop and does not count as gone."""
        if not await self._may_fetch():
            return None
        self._patient.fetches += 1
        found = await self.connector.execute_query_all_async(
            FETCH, queues=queues, me=worker_id, lease=self._lease_seconds
        )
        return ProcrastinateJob.from_row(found[0]) if found else None

    async def finish_job(self, job: ProcrastinateJob, status: Status, delete_job: bool) -> None:  # noqa: FBT001 - the parent's
        """End a job; one that is there no more was replaced, or the answer to its end got lost."""
        try:
            await super().finish_job(job, status, delete_job)
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                raise
            log.info("Job %s had ended before", job.id)


class _Patient(PsycopgConnector):
    """A connector whose statements wait for a database that is away, until `patient` is taken from it."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(
            pool_factory=queue_pool,
            conninfo=conninfo,
            min_size=1,
            max_size=CONNECTIONS_MAX,
            timeout=ANSWER_SECONDS,
        )
        self.patient = True
        self.fetches = 0  # that have begun

    async def execute_query_async(self, query: LiteralString, **arguments: object) -> None:
        await self.execute_query_all_async(query, **arguments)

    async def execute_query_one_async(self, query: LiteralString, **arguments: object) -> dict[str, Any]:
        found = await self.execute_query_all_async(query, **arguments)
        if not found:
            raise NoResult
        return found[0]

    async def execute_query_all_async(self, query: LiteralString, **arguments: object) -> list[dict[str, Any]]:
        return await self._until_reached(lambda: self._found(query, arguments))

    async def _found(self, query: LiteralString, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what a statement finds. It is sent as all of ours are, which takes less than Procrastinate's way."""
        try:
            async with self.pool.connection() as connection:
                assert isinstance(connection, PipelinedConnection), "the pool makes no others"
                sent = connection.send(query, arguments)
                await connection.answer()
                return sent.rows(dict[str, Any])
        except Error as error:
            raise ConnectorException from error

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        async with asyncio.TaskGroup() as echoes:

            async def echo(channel: str, payload: str, fetches: int) -> None:
                await asyncio.sleep(ECHO_SECONDS)
                if self.fetches == fetches or not _is_of_new_job(payload):
                    await on_notification(channel=channel, payload=payload)

            async def heard(*, channel: str, payload: str) -> None:
                fetches = self.fetches
                if await self._holds(payload):
                    await on_notification(channel=channel, payload=payload)
                    echoes.create_task(echo(channel, payload, fetches))

            await self._until_reached(lambda: super(_Patient, self).listen_notify(heard, channels))

    async def _holds(self, payload: str) -> bool:
        """Say whether what a notification tells is so: there may be work, or a job really is to be stopped."""
        if _is_of_new_job(payload):
            return True
        match _told(payload):
            case {"type": "abort_job_requested", "job_id": int(job_id)} if 0 < job_id <= BIGINT_MAX:
                wanted = "select exists (select from procrastinate_jobs where id = %(id)s and abort_requested) as holds"
                return bool((await self.execute_query_one_async(wanted, id=int(job_id)))["holds"])
            case _:
                return False

    async def _loop_notify(
        self,
        on_notification: Notify,
        connection: AsyncConnection[Any],
        timeout: float = LISTEN_TIMEOUT,  # noqa: ASYNC109 - the parent's
    ) -> None:
        """Have jobs looked for when listening begins: what was told before then, nobody heard."""
        await on_notification(channel="", payload=LOOK)
        await super()._loop_notify(on_notification, connection, timeout)

    async def _until_reached(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        tries = 0
        while True:
            try:
                return await ask()
            except ConnectorException as error:
                if not (self.patient and isinstance(error.__cause__, OperationalError)):
                    raise
            await asyncio.sleep(PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS) - 1)])
            tries += 1
