"""Many people over few connections, and everything that can go wrong between them: nobody sees another's rows.

`INTERLEAVINGS=20000` is the long form; `INTERLEAVINGS_SEED` repeats a run.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from persistence.errors import DatabaseUnavailable, PersistenceError
from persistence.pools import Database
from persistence.scope import Role, Scope
from tests.conftest import TEST_SECRET, Person, new_person

WANTED: Final = int(os.environ.get("INTERLEAVINGS", "2000"))
SEED: Final = int(os.environ.get("INTERLEAVINGS_SEED", random.randrange(10**6)))
CONNECTIONS: Final = 2  # of each role
PEOPLE: Final = 4
AT_ONCE: Final = 9
TICKS_MAX: Final = 120  # rounds of the event loop until a cancellation; a transaction takes about as many to begin
PLANNED_AFTER: Final = 7  # uses of a prepared statement, past which Postgres may keep one plan for all
PATIENCE_SECONDS: Final = 600


class OnPurpose(Exception):
    """What an act raises in the middle of its transaction."""


@dataclass
class Pool:
    """The connections, who shares them, and what was seen."""

    database: Database
    people: list[Person]
    admin: AsyncConnection[TupleRow]
    chance: random.Random
    made: Counter[str] = field(default_factory=Counter[str])
    leaks: list[str] = field(default_factory=list[str])

    async def look(self, scope: Scope, person: Person, act: str) -> None:
        """Hold what a scope shows against what is the person's."""
        seen = await scope.value(str, "select string_agg(distinct content, ',') from notes where content <> %s", ("",))
        if seen != str(person.id):
            self.leaks.append(f"{act}: {person.id} saw {seen}")


Act = Callable[[Pool, Scope, Person], Awaitable[None]]


async def reads(pool: Pool, scope: Scope, person: Person) -> None:
    """Read, and let others run in between."""
    await asyncio.sleep(0)


async def reads_until_planned(pool: Pool, scope: Scope, person: Person) -> None:
    """Ask the same until Postgres may keep a plan."""
    for _ in range(PLANNED_AFTER):
        await pool.look(scope, person, "planned")


async def writes(pool: Pool, scope: Scope, person: Person) -> None:
    """Write a row, as whoever may."""
    await scope.execute("insert into notes (content) values (%s)", (str(person.id),))


async def raises(pool: Pool, scope: Scope, person: Person) -> None:
    """Fail in the middle of a transaction."""
    raise OnPurpose


async def fails_in_a_savepoint(pool: Pool, scope: Scope, person: Person) -> None:
    """Have a statement refused, and go on."""
    with suppress(PersistenceError):
        async with scope.savepoint():
            await scope.execute("select 'x'::uuid")


async def fails(pool: Pool, scope: Scope, person: Person) -> None:
    """Have a statement refused, and do not notice."""
    with suppress(psycopg.Error):
        await scope.execute("select 1 / 0")


async def ends_the_transaction(pool: Pool, scope: Scope, person: Person) -> None:
    """Commit or roll back in the middle, as text can."""
    await scope.connection.execute(pool.chance.choice([b"commit", b"rollback"]))


async def keeps_the_context(pool: Pool, scope: Scope, person: Person) -> None:
    """Set the transaction's own context for the whole connection."""
    await scope.execute("select set_config('planwright.context', current_setting('planwright.context'), false)")


async def is_killed(pool: Pool, scope: Scope, person: Person) -> None:
    """Lose the connection in the middle of a transaction, and give it back only when its server is gone."""
    await pool.admin.execute("select pg_terminate_backend(%s, 5000)", (scope.connection.info.backend_pid,))
    await scope.execute("select 1")


async def nests(pool: Pool, scope: Scope, person: Person) -> None:
    """Open a transaction in another person's name inside of this one."""
    other = pool.chance.choice(pool.people)
    async with pool.database.acting(Role.EXECUTOR, other.identity) as inner:
        await pool.look(inner, other, "inside another")


ACTS: Final[dict[Act, int]] = {
    reads: 30,
    reads_until_planned: 8,
    writes: 8,
    raises: 8,
    fails_in_a_savepoint: 8,
    fails: 8,
    ends_the_transaction: 8,
    keeps_the_context: 8,
    is_killed: 2,
    nests: 8,
}
OUTER: Final = (Role.API, Role.WORKER)  # an executor's transaction may be inside of these, never the other way round


async def interleave(pool: Pool) -> None:
    """Do something in somebody's name, looking before and behind it; some of the time, be cancelled anywhere in it."""
    [act] = pool.chance.choices([*ACTS], [*ACTS.values()])
    role = pool.chance.choice(OUTER if act is nests else [*Role])
    work = asyncio.create_task(one_act(pool, act, role, pool.chance.choice(pool.people)))
    if act is not is_killed and pool.chance.random() < 0.25:  # a late kill would meet the next borrower
        for _ in range(pool.chance.randrange(TICKS_MAX)):
            await asyncio.sleep(0)
        work.cancel()
    outcome, *_ = await asyncio.gather(work, return_exceptions=True)
    pool.made[f"{act.__name__}{' cancelled' if isinstance(outcome, asyncio.CancelledError) else ''}"] += 1
    if isinstance(outcome, DatabaseUnavailable) and act is not is_killed:
        pool.leaks.append(f"{act.__name__}: no connection")


async def one_act(pool: Pool, act: Act, role: Role, person: Person) -> None:
    """Open a transaction, look, act, look."""
    with suppress(OnPurpose, psycopg.Error):
        async with pool.database.acting(role, person.identity) as scope:
            await pool.look(scope, person, f"before {act.__name__}")
            await act(pool, scope, person)
            if act in {reads, writes, fails_in_a_savepoint, keeps_the_context, nests}:
                await pool.look(scope, person, f"behind {act.__name__}")


@pytest.fixture
async def pool(admin_dsn: str) -> AsyncGenerator[Pool]:
    """Give four people, each with a note, and two connections of each role."""
    database = Database(admin_dsn, TEST_SECRET, sizes=dict.fromkeys(Role, CONNECTIONS))
    await database.open()
    people = [await new_person(database) for _ in range(PEOPLE)]
    for person in people:
        async with database.acting(Role.WORKER, person.identity) as scope:
            await scope.execute("insert into notes (content) values (%s)", (str(person.id),))
    async with await AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        yield Pool(database, people, admin, random.Random(SEED))
    await database.close()


@pytest.mark.figure
@pytest.mark.timeout(PATIENCE_SECONDS)
async def test_nobody_sees_anothers_rows_whatever_happens_on_a_connection(
    pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thousands of transactions over few connections, cut off and spoilt in every way: each shows its person's rows."""

    async def work() -> None:
        while pool.made.total() < WANTED:
            await interleave(pool)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    cancelled = sum(times for name, times in pool.made.items() if name.endswith("cancelled"))
    with capsys.disabled():
        print(
            f"interleavings of {PEOPLE} people: {pool.made.total()}, of which {cancelled} were cancelled;"
            f" leaks {len(pool.leaks)}, seed {SEED}"
        )
    assert pool.leaks == []
    assert {act.__name__ for act in ACTS} <= set(pool.made)
    assert cancelled > WANTED // 20
