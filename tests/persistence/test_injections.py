"""A tool that puts what the model says into its SQL as it stands: what can be got out through it, of other people."""

import asyncio
import traceback
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncCursor, Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal

from persistence.errors import PersistenceError
from persistence.migrate import migrate
from persistence.pools import Database
from persistence.scope import Identity, Role, Scope
from tests.conftest import TEST_SECRET, new_person
from tests.faults.proxy import Proxy
from tests.persistence.canaries import Canary, plant, rows_of, tables_of_people, unchecked
from tests.persistence.injections import Target, attacks
from tests.persistence.test_scope import signed
from tests.tools.bench import Bench, asked, set_up
from tests.workspace_rows import Desk
from tools.registry import Registry
from tools.tool import Access, Args, Caller, Tool, ToolAnswer, answered

STATEMENT_TIMEOUT: Final = "250ms"  # in place of seconds: what takes for ever is stopped, only sooner
CALLS: Final = 10_000
VICTIMS_WORK: Final = "select count(*), '{}', pg_sleep(0.1) from planwright.notes"
SEARCH: Final = "select title, content from planwright.notes where content ilike '%{}%'"


class Given(Args):
    """Run what the model says."""

    text: str
    is_whole: bool


async def everything(cursor: AsyncCursor[TupleRow]) -> str:
    """Return the rows of every statement that a text turned out to be."""
    seen: list[str] = []
    while True:
        seen.append(f"{cursor.statusmessage} {await cursor.fetchall() if cursor.description else ''}")
        if not cursor.nextset():
            return "\n".join(seen)


async def interpolated(scope: Scope, args: Given) -> ToolAnswer:
    """Do what no tool may: put a text into a statement."""
    statement = args.text if args.is_whole else SEARCH.format(args.text)
    return answered(await everything(await scope.connection.execute(statement.encode())))


async def read(args: Given, caller: Caller) -> ToolAnswer:
    """Read by the text, as the executor's login."""
    async with caller.reading() as scope:
        return await interpolated(scope, args)


async def write(args: Given, caller: Caller) -> ToolAnswer:
    """Do what the text says, as the worker's login, in the transaction of the call's ledger row."""
    return await interpolated(caller.writing(), args)


VULNERABLE: Final = Registry.of(
    [
        Tool(name="search", args=Given, run=read, access=Access.READ),
        Tool(name="do", args=Given, run=write, access=Access.WRITE),
    ]
)


@pytest.fixture(scope="module")
def spoilt_dsn(server_dsn: str) -> Generator[str]:
    """Give a database in which any word can stand in any column, and what takes for ever is stopped soon."""
    name = f"planwright_canaries_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(SQL("create database {}").format(Identifier(name)))
        dsn = make_conninfo(server_dsn, dbname=name)
        migrate(dsn, TEST_SECRET)
        with psycopg.connect(dsn, autocommit=True) as admin:
            unchecked(admin)
            for role in Role:
                admin.execute(
                    SQL("alter role {} in database {} set statement_timeout = {}").format(
                        Identifier(role), Identifier(name), Literal(STATEMENT_TIMEOUT)
                    )
                )
        yield dsn
        server.execute(SQL("drop database {} with (force)").format(Identifier(name)))


@pytest.fixture(scope="module")
def admin(spoilt_dsn: str) -> Generator[Connection]:
    """Give the administrator's eyes on it, who sees everybody's rows."""
    with psycopg.connect(spoilt_dsn, autocommit=True) as connection:
        yield connection


@dataclass(frozen=True)
class Scene:
    """An attacker at work, and two victims with canaries everywhere; the second one's id differs in a digit."""

    bench: Bench
    victims: tuple[Canary, Canary]
    targets: list[Target]
    heard: bytearray

    def tells(self, *answers: str) -> bool:
        """Say whether anything that came back since the last time holds a canary, then forget it."""
        said = bytes(self.heard) + "\n".join(answers).encode()
        self.heard.clear()
        return any(victim.seen_in(said) for victim in self.victims)


@pytest.fixture(scope="module")
async def scene(spoilt_dsn: str, admin: Connection) -> AsyncGenerator[Scene]:
    """Give the attacker's pools through a proxy that hears every byte of the server's."""
    heard = bytearray()
    proxy = Proxy(spoilt_dsn)
    await proxy.open()
    database = Database(proxy.dsn, TEST_SECRET, sizes=dict.fromkeys(Role, 2))
    await database.open()
    attacker = await new_person(database)
    bench = await set_up(Desk(database, attacker), VULNERABLE)
    await bench.desk.add("notes", title="mine", content="mine too")
    victims = (plant(admin, uuid4()), plant(admin, last_digit_changed(attacker.id)))
    proxy.overheard = heard.extend
    yield Scene(bench, victims, [target_of(admin, attacker.id, victim.owner) for victim in victims], heard)
    await database.close()
    await proxy.close()


def last_digit_changed(user_id: UUID) -> UUID:
    """Return the id that is next to another."""
    return UUID(int=user_id.int ^ 1)


def target_of(admin: Connection, attacker: UUID, victim: UUID) -> Target:
    """Return what an attacker may know of a victim, and what they can make of it."""
    row = admin.execute("select id from planwright.notes where user_id = %s", (victim,)).fetchone()
    assert row is not None
    return Target(
        victim,
        row[0],
        {
            "forged": signed(victim, key=b"a guess"),
            "stale": signed(victim, expires_in=-1),
            "stale worker's": signed(victim, Role.WORKER, expires_in=-1),
            "another role's": signed(victim, Role.API),
            "own signature, another id": signed(attacker).replace(str(attacker), str(victim)),
            "nothing": "",
        },
    )


@asynccontextmanager
async def victim_at_work(dsn: str, victim: Canary) -> AsyncGenerator[list[str]]:
    """Have a victim's executor and worker run statements that hold the canary, through pools of their own.

    Gives what went wrong for them.
    """
    database = Database(dsn, TEST_SECRET, sizes=dict.fromkeys(Role, 1))
    await database.open()
    wrong: list[str] = []

    async def work(role: Role) -> None:
        while True:
            try:
                async with database.acting(role, Identity(victim.owner)) as scope:
                    statement = VICTIMS_WORK.format(victim.word)
                    row = await (await scope.connection.execute(statement.encode())).fetchone()
                    if row is None or row[0] != 1:
                        wrong.append(f"{role} sees {row}")
            except (PersistenceError, psycopg.Error) as error:
                wrong.append(f"{role} {error}")

    tasks = [asyncio.create_task(work(role)) for role in (Role.EXECUTOR, Role.WORKER)]
    try:
        yield wrong
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await database.close()


async def attempt(scene: Scene, tool: str, number: int, text: str, *, is_whole: bool) -> str:
    """Have the model ask for an injection, through the gateway; return all that comes of it, errors in full."""
    holder = scene.bench.executor if tool == "search" else scene.bench.planner
    gateway = scene.bench.gateway(budget=CALLS)
    call = asked(tool, f"{tool} {number}", text=text, is_whole=is_whole)
    try:
        answer = await gateway.call(holder, replace(call))
    except (PersistenceError, psycopg.Error) as error:
        return "".join(traceback.format_exception(error))
    return f"{answer.message} {answer.data} {answer.code}"


@pytest.mark.figure
@pytest.mark.parametrize("tool", ["search", "do"])
async def test_a_hole_in_a_tools_sql_shows_nobody_elses_rows(
    scene: Scene, spoilt_dsn: str, admin: Connection, tool: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a model makes of a tool that interpolates: no canary in a byte that comes back, and none is changed."""
    before = [rows_of(admin, victim.owner) for victim in scene.victims]
    texts = dict.fromkeys(text for target in scene.targets for text in attacks(target, sorted(tables_of_people(admin))))
    seen: list[str] = []
    passed = 0
    scene.heard.clear()
    async with victim_at_work(spoilt_dsn, scene.victims[0]) as wrong:
        for number, (is_whole, text) in enumerate(texts):
            answer = await attempt(scene, tool, number, text, is_whole=is_whole)
            passed += "mine too" in answer
            if scene.tells(answer):
                seen.append(text)
    with capsys.disabled():
        columns = len(scene.victims[0].columns)
        role = Role.EXECUTOR if tool == "search" else Role.WORKER
        print(
            f"injections as {role}: {len(texts)}, of which {passed} read the attacker's own rows;"
            f" canaries in {columns} columns of {len(scene.victims[0].tables)} tables of two others, seen {len(seen)}"
        )
    assert seen == []
    assert wrong == []
    assert [rows_of(admin, victim.owner) for victim in scene.victims] == before
    assert len(texts) >= 240
    assert passed >= 60


def test_the_canaries_stand_everywhere(scene: Scene, admin: Connection) -> None:
    """Every table with somebody's rows has a row of each victim, with the canary where there is a column for it."""
    for victim in scene.victims:
        kept = rows_of(admin, victim.owner)
        assert victim.tables == set(kept)
        assert {table for table, text in kept.items() if victim.seen_in(text.encode())} == {
            table for table, _ in victim.columns
        }
        assert len(victim.columns) > 100


async def test_a_canary_that_comes_back_is_seen(scene: Scene, admin: Connection) -> None:
    """With row security off, the first injection finds both victims' canaries: the zeros above are no accident."""
    admin.execute("alter table planwright.notes no force row level security")
    admin.execute("alter table planwright.notes disable row level security")
    try:
        answer = await attempt(scene, "search", CALLS, "' or 1=1 --", is_whole=False)
        assert all(victim.seen_in(answer.encode()) for victim in scene.victims)
        assert all(victim.seen_in(bytes(scene.heard)) for victim in scene.victims)
    finally:
        admin.execute("alter table planwright.notes enable row level security")
        admin.execute("alter table planwright.notes force row level security")
        scene.heard.clear()
