"""What limits cost and what they protect: `python -m tests.bench.limits`.

The limiter alone, with a person for each of 10,000 messages; a look at a minute
with many charges, with room and without; then the wait of a person who asks now
and then, alone and beside one who has twenty wide plans at work all the time, in
one run against one server.
"""

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import httpx
import psycopg

from nodes.vocabulary.limits import Limits
from persistence import embedded
from persistence.migrate import migrate
from persistence.pools import Database
from persistence.runs import charges
from persistence.scope import Identity, Role, Secret
from server.rate import Rate
from tests.bench.serving import people_of, served
from tests.scripted_model.demo import QUESTION

PEOPLE: Final = 10_000
AT_ONCE: Final = 4
CHARGES: Final = (50, 600, 4_000)  # of one person in one minute: twelve runs of twelve calls are 156
LOOKS: Final = 200
QUESTIONS: Final = 30
HEAVY_AT_ONCE: Final = 20
MODEL_MS: Final = 100  # of each model call
UNBOUNDED: Final = 1_000
SECRET: Final = "the same for everything that is measured here"


def main() -> None:
    """Measure both on a Postgres of its own."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-bench-"))
    folder.chmod(0o755)
    try:
        with embedded.start(folder / "data") as server:
            asyncio.run(limiter(server.dsn))
            asyncio.run(looks(server.dsn))
            with model_at(MODEL_MS) as model:
                for places in (Limits().runs_at_once, UNBOUNDED):
                    asyncio.run(fairness(server.dsn, model, places))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def model_at(first_ms: int) -> Generator[str]:
    """Give the address of a model that answers so many milliseconds later."""
    command = [sys.executable, "-m", "tests.bench.peers.model", str(first_ms), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None, "the output is a pipe"
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def limiter(dsn: str) -> None:
    """Print what charging a message costs, and what is left of the charges after upkeep."""
    await asyncio.to_thread(migrate, dsn, Secret(SECRET.encode()))
    database = Database(dsn, Secret(SECRET.encode()))
    await database.open()
    with psycopg.connect(dsn, autocommit=True) as admin:
        made = admin.execute(
            "insert into planwright.users (email) select n || '@b.org' from generate_series(1, %s) n returning id",
            (PEOPLE,),
        )
        waiting = [row[0] for row in made.fetchall()]
        took_ms: list[float] = []
        await asyncio.gather(*(charge(database, waiting, took_ms) for _ in range(AT_ONCE)))
        admin.execute("update planwright.charges set charged_at = charged_at - interval '1 hour'")
        async with database.acting(Role.WORKER, Identity(UUID(int=0))) as scope:
            await charges.expire(scope)
        left = admin.execute("select count(*) from planwright.charges").fetchone()
    await database.close()
    assert left is not None
    print(
        f"limiter, {PEOPLE:,} people, {AT_ONCE} at once: {percentiles(took_ms)};"
        f" charges left after upkeep an hour later: {left[0]}"
    )


async def charge(database: Database, waiting: list[UUID], took_ms: list[float]) -> None:
    """Charge one person after the other for a message; the transaction around it is not the limiter's."""
    rate = Rate(Limits(), least_tokens=10_000)
    while waiting:
        async with database.acting(Role.API, Identity(waiting.pop())) as scope:
            began = time.perf_counter()
            spent = rate.look(scope)
            await scope.sent()
            rate.charge(scope, spent)
            took_ms.append((time.perf_counter() - began) * 1000)


async def looks(dsn: str) -> None:
    """Print how long it takes to see what a person has spent who made many calls of models in the last minute."""
    database = Database(dsn, Secret(SECRET.encode()))
    await database.open()
    for made in CHARGES:
        with psycopg.connect(dsn, autocommit=True) as admin:
            person = uuid4()
            admin.execute("insert into planwright.users (id, email) values (%s, %s)", (person, f"{made}@c.org"))
            admin.execute(
                "insert into planwright.charges (id, user_id, kind, amount, charged_at)"
                " select gen_random_uuid(), %s, 'token', 1, clock_timestamp() - make_interval(secs => n * 40.0 / %s)"
                " from generate_series(1, %s) n",
                (person, made, made),
            )
        with_room, without = await look(database, person, made + 1), await look(database, person, made - 1)
        print(f"a look at {made:,} charges: with room {percentiles(with_room)}; without {percentiles(without)}")
    await database.close()


async def look(database: Database, person: UUID, most: int) -> list[float]:
    """See again and again what a person has spent; return how long each took, in milliseconds."""
    took_ms: list[float] = []
    async with database.acting(Role.WORKER, Identity(person)) as scope:
        for _ in range(LOOKS):
            began = time.perf_counter()
            charges.look(scope, charges.Kind.TOKEN, 1, most)
            await scope.sent()
            took_ms.append((time.perf_counter() - began) * 1000)
    return took_ms


async def fairness(dsn: str, model: str, places: int) -> None:
    """Print how long a light question takes alone and beside a heavy neighbour, who may have so many runs at work."""
    settings = {
        "PLANWRIGHT_DATABASE_URL": dsn,
        "PLANWRIGHT_SECRET": SECRET,
        "PLANWRIGHT_MODEL_BASE_URL": model,
        "PLANWRIGHT_PLANNER_MODEL": "deep",
        "PLANWRIGHT_LOG_LEVEL": "warning",
        "PLANWRIGHT_LIMIT_RUNS_AT_ONCE": str(places),
    }
    with running(settings, dsn) as (client, light, heavy):
        async with client:
            alone = await questions(client, light)
            stopped = asyncio.Event()
            neighbours = [asyncio.create_task(plans(client, heavy, stopped)) for _ in range(HEAVY_AT_ONCE)]
            beside = await questions(client, light)
            stopped.set()
            finished = sum(await asyncio.gather(*neighbours))
    ratio = p95(beside) / p95(alone)
    bound = "as many as there are" if places == UNBOUNDED else f"at most {places}"
    print(f"a light question, {bound} runs of one person at work: alone {percentiles(alone)};", end=" ")
    print(f"beside {HEAVY_AT_ONCE} wide plans at once ({finished} of them) {percentiles(beside)}; p95 × {ratio:.2f}")


@contextmanager
def running(
    settings: Mapping[str, str], dsn: str
) -> Generator[tuple[httpx.AsyncClient, dict[str, str], dict[str, str]]]:
    """Give a client of a server with these settings, and what two people's requests need."""
    with served(settings) as server:
        light, heavy = people_of(dsn, SECRET, 2)
        yield httpx.AsyncClient(base_url=server.base_url, timeout=120), light, heavy


async def questions(client: httpx.AsyncClient, who: Mapping[str, str]) -> list[float]:
    """Ask one light question after the other; return how long each took, in milliseconds."""
    return [await ask(client, who, QUESTION) for _ in range(QUESTIONS)]


async def plans(client: httpx.AsyncClient, who: Mapping[str, str], stopped: asyncio.Event) -> int:
    """Ask for one wide plan after the other; return how many were finished."""
    finished = 0
    while not stopped.is_set():
        await ask(client, who, "Put my week in order")
        finished += 1
    return finished


async def ask(client: httpx.AsyncClient, who: Mapping[str, str], message: str) -> float:
    """Send a message and read its stream to the end; return the milliseconds that took."""
    began = time.perf_counter()
    answered = await client.post("/api/agent/stream", json={"message": message}, headers=dict(who))
    answered.raise_for_status()
    assert '"type":"done"' in answered.text, answered.text[-300:]
    return (time.perf_counter() - began) * 1000


def p95(took_ms: list[float]) -> float:
    """Return the time that 95 of 100 stay below."""
    return statistics.quantiles(took_ms, n=100)[94]


def percentiles(took_ms: list[float]) -> str:
    """Return the usual three figures."""
    cuts = statistics.quantiles(took_ms, n=100)
    return f"p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms"


if __name__ == "__main__":
    main()
