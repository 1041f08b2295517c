"""A worker process of `tests.bench.dispatch`: `python -m tests.bench.dispatch_worker ENGINE LANE…`.

A job's argument says what its handler does: `hold…` waits until it is stopped,
`fail…` raises it, anything else returns at once. Each says so on standard
output, with the time of a clock that all processes of the machine share.
"""

import argparse
import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import pgqueuer
import psycopg
from pgqueuer.models import Context, Job
from procrastinate import App, PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

HEARTBEAT_SECONDS: Final = 1.0
STALLED_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.5
ECHO_SECONDS: Final = 0.05  # a fetch takes a tenth of that
CONCURRENCY: Final = 16

SAID: Final = "the words of a person"  # an error of ours could quote them
DSN_VARIABLE: Final = "DISPATCH_DSN"  # not an argument: every user of the machine can read those


@dataclass(frozen=True)
class Post:
    """What a worker works on: queues or entry points, here called lanes.

    `mended` closes the gap that the engine itself leaves when the database goes away.
    """

    dsn: str
    lanes: list[str]
    mended: bool


class MendedConnector(PsycopgConnector):
    """A connector whose listener waits for a database that is away, and says everything twice.

    The worker forgets a notification that comes while it fetches. What is said
    again a moment later finds it waiting.
    """

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Listen until cancelled."""

        async def again(channel: str, payload: str) -> None:
            await asyncio.sleep(ECHO_SECONDS)
            await on_notification(channel=channel, payload=payload)

        async with asyncio.TaskGroup() as echoes:

            async def twice(*, channel: str, payload: str) -> None:
                await on_notification(channel=channel, payload=payload)
                echoes.create_task(again(channel, payload))

            while True:
                try:
                    await super().listen_notify(twice, channels)
                except ConnectorException:
                    await asyncio.sleep(RETRY_SECONDS)


async def handle(what: str) -> None:
    """Do what the argument says and tell when."""
    tell("started", what)
    if what.startswith("fail"):
        raise RuntimeError(SAID)
    if what.startswith("hold"):
        try:
            await asyncio.Event().wait()
        finally:
            tell("stopped", what)


def tell(event: str, what: str) -> None:
    """Print one line for the measuring process."""
    print(event, what, time.monotonic(), flush=True)


async def procrastinate_worker(post: Post) -> None:
    """Work with Procrastinate; mended, with the connector above."""
    connector = (MendedConnector if post.mended else PsycopgConnector)(conninfo=post.dsn)
    app = App(connector=connector)

    @app.task(name="bench")
    async def bench(what: str) -> None:
        await handle(what)

    async with app.open_async():
        rescuing = asyncio.create_task(rescue(app, post.lanes))
        await app.run_worker_async(
            queues=post.lanes,
            concurrency=CONCURRENCY,
            delete_jobs="successful",
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
        )
        rescuing.cancel()


async def rescue(app: App, lanes: list[str]) -> None:
    """Replace the jobs of workers that went silent, as often as a worker beats."""
    jobs = app.job_manager
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        for stalled in await jobs.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            if stalled.queue in lanes:
                await jobs.finish_job(stalled, Status.FAILED, delete_job=True)
                await jobs.defer_job_async(stalled)


async def pgqueuer_worker(post: Post) -> None:
    """Work with PgQueuer; mended, its own supervisor starts it again."""
    await pgqueuer.run(
        partial(queue_manager, post),
        dequeue_timeout=timedelta(seconds=HEARTBEAT_SECONDS),
        batch_size=CONCURRENCY // 2,
        max_concurrent_tasks=CONCURRENCY,
        heartbeat_timeout=timedelta(seconds=STALLED_SECONDS),
        shutdown_on_listener_failure=post.mended,
        restart_on_failure=post.mended,
        restart_delay=timedelta(seconds=RETRY_SECONDS),
    )


@asynccontextmanager
async def queue_manager(post: Post) -> AsyncGenerator[pgqueuer.QueueManager]:
    """Give PgQueuer's worker, on the one connection that it has."""
    async with await psycopg.AsyncConnection.connect(post.dsn, autocommit=True) as connection:
        manager = pgqueuer.QueueManager(pgqueuer.Queries.from_psycopg_connection(connection))

        async def bench(job: Job, context: Context) -> None:
            with context.cancellation:
                await handle((job.payload or b"").decode())

        for lane in post.lanes:
            manager.entrypoint(lane)(bench)
        yield manager


ENGINES: Final[dict[str, Callable[[Post], Coroutine[None, None, None]]]] = {
    "procrastinate": procrastinate_worker,
    "pgqueuer": pgqueuer_worker,
}


def main() -> None:
    """Work until killed or terminated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("lanes", nargs="+")
    parser.add_argument("--mended", action="store_true")
    said = parser.parse_args()
    asyncio.run(ENGINES[said.engine](Post(os.environ[DSN_VARIABLE], said.lanes, said.mended)))


if __name__ == "__main__":
    main()
