"""What two dispatch engines do on our Postgres: `python -m tests.bench.dispatch`; docs/decisions/0010-dispatch.md.

Workers are processes of their own. Both engines promise about the same: a sign
of life every second (PgQueuer: 1.5 s), a silent worker's jobs taken over after
three. An engine's driver is psycopg in both cases.
"""

import asyncio
import os
import shutil
import signal
import statistics
import tempfile
import time
from asyncio import gather
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Final

import psycopg
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from persistence import embedded
from persistence.embedded import EmbeddedServer
from tests.bench.dispatch_engines import ENGINES, Connection, Engine, number
from tests.bench.dispatch_process import Worker, working
from tests.bench.dispatch_worker import SAID
from tests.house.project import declared_requirements

STARTS: Final = 200
LATE_MS: Final = 1000
LATE_ENOUGH: Final = 1
WARM_UP: Final = 3
WARM_UP_PAUSE_SECONDS: Final = 0.1
MANY: Final = 2000
ABORTS: Final = 30
KILLS: Final = 5
KILL_PAUSE_SECONDS: Final = 0.37  # so that the kills fall anywhere between two beats
MANY_SECONDS: Final = 10.0  # then the rest is left
BUDGET_SECONDS: Final = 5.0  # for one figure of one engine
DOWN_SECONDS: Final = 3.0
PATIENCE_SECONDS: Final = 30.0
BREATH_SECONDS: Final = 0.5  # past the fetch that follows a job, so that the next is met by notification or poll
GIVE_UP_SECONDS: Final = 6.0  # the polls of both engines come within five
SETTINGS: Final = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_utility": "off"}


@dataclass(frozen=True)
class Place:
    """An engine, its database and a connection that enqueues there."""

    engine: Engine
    dsn: str
    connection: Connection

    async def enqueue(self, lane: str, *arguments: str) -> int:
        """Put jobs into a lane in one transaction; return the number of the last."""
        async with self.connection.transaction():
            return await self.engine.enqueue(self.connection, lane, list(arguments))

    async def number(self, query: SQL) -> int:
        """Return the one number that a query asks for."""
        return await number(await self.connection.execute(query))

    async def drained(self, lane: str, *, within: float = 30.0) -> int:
        """Return how many jobs a lane still has when it has none, or after so many seconds."""
        give_up = time.monotonic() + within
        while True:
            left = await self.engine.unfinished(self.connection, lane)
            if left == 0 or time.monotonic() > give_up:
                return left
            await asyncio.sleep(0.02)

    async def ready(self, worker: Worker, lane: str) -> None:
        """Wait until a worker has started, which its first jobs may meet unprepared."""
        for turn in range(WARM_UP):
            await self.enqueue(lane, f"warm-{turn}")
            assert await worker.told("started", f"warm-{turn}", within=PATIENCE_SECONDS), worker.log
            await asyncio.sleep(WARM_UP_PAUSE_SECONDS)


def main() -> None:
    """Measure both engines and print a table."""
    with folder() as data, embedded.start(data, settings=SETTINGS) as server:
        table = asyncio.run(measure(data, server))
    print(f"{'':<66}" + "".join(f"{engine.name + ' ' + version(engine.name):>36}" for engine in ENGINES))
    for label, cells in table.items():
        print(f"{label:<66}" + "".join(f"{cell:>36}" for cell in cells))


@contextmanager
def folder() -> Generator[Path]:
    """Give a new folder that the server's user can reach."""
    made = Path(tempfile.mkdtemp(prefix="planwright-bench-"))
    made.chmod(0o755)
    try:
        yield made / "data"
    finally:
        shutil.rmtree(made, ignore_errors=True)


async def measure(data: Path, server: EmbeddedServer) -> dict[str, list[str]]:
    """Return the rows of the table."""
    async with AsyncExitStack() as stack:
        places = [await stack.enter_async_context(place(engine, server.dsn)) for engine in ENGINES]
        found = [{**await starts(here), **await aborts(here), **await many(here)} for here in places]
        together = await gather(*(takeover(here) for here in places))
        failures = await gather(*(failing(here) for here in places))
    restarts = await restart(data, server, [here.dsn for here in places])
    rows = [
        {**one, **two, **three, **four, "distributions it adds": brings(engine.name)}
        for one, two, three, four, engine in zip(found, together, failures, restarts, ENGINES, strict=True)
    ]
    return {label: [row[label] for row in rows] for label in rows[0]}


@asynccontextmanager
async def place(engine: Engine, server_dsn: str) -> AsyncGenerator[Place]:
    """Give an engine a database of its own."""
    async with await psycopg.AsyncConnection.connect(server_dsn, autocommit=True) as administrator:
        await administrator.execute(SQL("create database {}").format(Identifier(engine.name)))
    dsn = make_conninfo(server_dsn, dbname=engine.name)
    await engine.install(dsn)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("create extension pg_stat_statements")
        yield Place(engine, dsn, connection)


async def starts(here: Place) -> dict[str, str]:
    """Measure one job after the other, from the first statement of the transaction that enqueues it."""
    async with working(here.engine.name, here.dsn, "start") as worker:
        await here.ready(worker, "start")
        await here.connection.execute("select pg_stat_statements_reset()")
        wal = await here.number(WAL)
        took_ms = list[float]()
        give_up = time.monotonic() + BUDGET_SECONDS
        while len(took_ms) < STARTS and time.monotonic() < give_up:
            took_ms.append(await start(here, worker, "start", f"start-{len(took_ms)}"))
        await here.drained("start")
        wal = await here.number(WAL) - wal
        statements = await here.number(STATEMENTS)
    percentiles = statistics.quantiles(took_ms, n=100)
    return {
        "as it comes, one right behind the other: starts after over 1 s": await late(here),
        "mended: enqueue and commit → handler, p50 / p99": f"{percentiles[49]:.1f} / {percentiles[98]:.1f} ms"
        f" of {len(took_ms)}",
        "statements a job, all told": f"{statements / len(took_ms):.1f}",
        "WAL a job, all told": f"{wal / len(took_ms) / 1000:.1f} kB",
    }


WAL: Final = SQL("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
STATEMENTS: Final = SQL(
    "select sum(calls)::bigint from pg_stat_statements"
    " where dbid = (select oid from pg_database where datname = current_database())"
    " and query not like '%pg_stat_statements%' and query not like '%count(*) from%' and query not like '%wal_lsn%'"
)


async def start(here: Place, worker: Worker, lane: str, what: str) -> float:
    """Return the milliseconds from before the enqueuing transaction to the handler."""
    before = time.monotonic()
    await here.enqueue(lane, what)
    at = await worker.told("started", what, within=PATIENCE_SECONDS)
    assert at is not None, worker.log
    return (at - before) * 1000


async def late(here: Place) -> str:
    """Count the jobs that waited for a poll, until one did."""
    took_ms = list[float]()
    async with working(here.engine.name, here.dsn, "late", mended=False) as worker:
        await here.ready(worker, "late")
        while len(took_ms) < STARTS and sum(took > LATE_MS for took in took_ms) < LATE_ENOUGH:
            took_ms.append(await start(here, worker, "late", f"late-{len(took_ms)}"))
    return f"{sum(took > LATE_MS for took in took_ms)} of {len(took_ms)}, max {max(took_ms) / 1000:.1f} s"


async def aborts(here: Place) -> dict[str, str]:
    """Measure from the request to the handler's end."""
    took_ms = list[float]()
    async with working(here.engine.name, here.dsn, "abort") as worker:
        await here.ready(worker, "abort")
        give_up = time.monotonic() + BUDGET_SECONDS
        while len(took_ms) < ABORTS and time.monotonic() < give_up:
            turn = len(took_ms)
            job = await here.enqueue("abort", f"hold-{turn}")
            await worker.told("started", f"hold-{turn}", within=PATIENCE_SECONDS)
            before = time.monotonic()
            await here.engine.abort(here.connection, job)
            at = await worker.told("stopped", f"hold-{turn}", within=PATIENCE_SECONDS)
            assert at is not None, worker.log
            took_ms.append((at - before) * 1000)
    figures = f"{statistics.median(took_ms):.1f} / {max(took_ms):.1f} ms of {len(took_ms)}"
    return {"abort → handler sees it, p50 / max": figures}


async def many(here: Place) -> dict[str, str]:
    """Measure how fast one worker empties a full lane."""
    await here.enqueue("many", *(f"many-{turn}" for turn in range(MANY)))
    async with working(here.engine.name, here.dsn, "many") as worker:
        first = await worker.told("started", "many-0", within=PATIENCE_SECONDS)
        assert first is not None, worker.log
        left = await here.drained("many", within=MANY_SECONDS)
        took = time.monotonic() - first
    return {f"one worker, {MANY:,} jobs waiting that do nothing": f"{(MANY - left) / took:.0f} jobs/s"}


async def takeover(here: Place) -> dict[str, str]:
    """Kill workers in the middle of a job; measure until another worker starts it again."""
    lanes = [f"kill-{turn}" for turn in range(KILLS)]
    async with AsyncExitStack() as stack:
        victims = [await stack.enter_async_context(working(here.engine.name, here.dsn, lane)) for lane in lanes]
        for lane, victim in zip(lanes, victims, strict=True):
            await here.enqueue(lane, f"hold-{lane}")
            assert await victim.told("started", f"hold-{lane}", within=PATIENCE_SECONDS), victim.log
        heir = await stack.enter_async_context(working(here.engine.name, here.dsn, "heir", *lanes))
        await here.ready(heir, "heir")
        killed = list[float]()
        for victim in victims:
            await asyncio.sleep(KILL_PAUSE_SECONDS)
            killed.append(victim.kill())
        taken = [await heir.told("started", f"hold-{lane}", within=PATIENCE_SECONDS) for lane in lanes]
    took = [at - before for before, at in zip(killed, taken, strict=True) if at is not None]
    return {
        f"kill -9 → another worker, median / max of {len(took)}": f"{statistics.median(took):.1f} / {max(took):.1f} s"
    }


async def failing(here: Place) -> dict[str, str]:
    """Let a handler raise and look where its words are found afterwards."""
    async with working(here.engine.name, here.dsn, "fail") as worker:
        await here.ready(worker, "fail")
        await here.enqueue("fail", "fail-1")
        await worker.told("started", "fail-1", within=PATIENCE_SECONDS)
        await here.drained("fail")
        tables = await here.connection.execute("select relname from pg_stat_user_tables order by relname")
        holding = [name for (name,) in await tables.fetchall() if await holds_words(here, str(name))]
        return {
            "a failing handler's words: tables": ", ".join(map(str, holding)) or "none",
            "a failing handler's words: log": "yes" if SAID in worker.log else "no",
        }


async def holds_words(here: Place, table: str) -> bool:
    """Whether a table has the words of the failing handler anywhere."""
    asked = SQL("select count(*) from {} as t where t::text like {}").format(Identifier(table), f"%{SAID}%")
    return await number(await here.connection.execute(asked)) > 0


async def restart(data: Path, server: EmbeddedServer, dsns: list[str]) -> list[dict[str, str]]:
    """Take the database away from four workers at once, each with a job in hand; see what they do."""
    async with AsyncExitStack() as stack:
        seats = list[tuple[Engine, str, str, Worker]]()
        for engine, dsn in zip(ENGINES, dsns, strict=True):
            for lane in ("plain", "mended"):
                worker = await stack.enter_async_context(working(engine.name, dsn, lane, mended=lane == "mended"))
                seats.append((engine, dsn, lane, worker))
        await gather(*(hold(*seat) for seat in seats))
        await away(data)
        with embedded.start(data, settings=SETTINGS):
            seen = await gather(*(after(*seat) for seat in seats))
    return [
        {
            f"database away for {DOWN_SECONDS:.0f} s, a job in hand, as it comes": seen[first],
            "… with its gap mended": seen[first + 1],
        }
        for first in (0, 2)
    ]


async def hold(engine: Engine, dsn: str, lane: str, worker: Worker) -> None:
    """Give a worker a job that goes on."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        here = Place(engine, dsn, connection)
        await here.ready(worker, lane)
        await here.enqueue(lane, "hold-over")
        assert await worker.told("started", "hold-over", within=PATIENCE_SECONDS), worker.log


async def away(data: Path) -> None:
    """Stop the server at once, as in a crash, and leave it stopped for a while."""
    pid_file = data / "cluster" / "postmaster.pid"
    os.kill(int(pid_file.read_text("ascii").splitlines()[0]), signal.SIGQUIT)
    await asyncio.sleep(DOWN_SECONDS)


async def after(engine: Engine, dsn: str, lane: str, worker: Worker) -> str:
    """Say what a worker does with two new jobs and with the one it had, when the database is back."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        here = Place(engine, dsn, connection)
        delays = list[float]()
        for what in ("first", "second"):
            before = time.monotonic()
            await here.enqueue(lane, what)
            at = await worker.told("started", what, within=GIVE_UP_SECONDS)
            if at is None:
                return "ended" if worker.process.returncode is not None else f"no job within {GIVE_UP_SECONDS:.0f} s"
            delays.append(at - before)
            await asyncio.sleep(BREATH_SECONDS)
        stopped = await worker.told("stopped", "hold-over", within=0.01)
    return f"{delays[0]:.2f} s, then {delays[1]:.2f} s{', job stopped' if stopped else ''}"


def brings(name: str) -> str:
    """Name what a distribution adds to what we need anyway."""
    ours = {requirement.name for requirement in declared_requirements()} - {engine.name for engine in ENGINES}
    added = needed(name) - {one for requirement in ours for one in needed(requirement)}
    return ", ".join(sorted(added - {name})) or "none"


def needed(name: str, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return a distribution and all it needs without extras."""
    name = canonicalize_name(name)
    if name in known:
        return known
    known |= {name}
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            known = needed(requirement.name, known)
    return known


if __name__ == "__main__":
    main()
