"""What a hole in a tool's SQL could leave on a connection for the next person who borrows it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final, LiteralString

import psycopg
import pytest

from persistence.errors import PersistenceError, TransactionLost
from persistence.pools import Database
from persistence.scope import Role, Scope
from tests.conftest import TEST_SECRET
from tests.workspace_rows import Desk

QUESTION: Final = "select string_agg(content, ',') from notes where content <> %s"
POISON: Final = "select 'poison' as content where $1 <> ''"
USES: Final = 8  # the fifth and later ones would be prepared

LEFTOVERS: Final[tuple[LiteralString, ...]] = (
    "declare theirs cursor with hold for select content from notes",
    "listen planwright_news",
    "prepare theirs as select 1",
    "select set_config('planwright.left', 'x', false)",
    "set search_path = nowhere",
)


@pytest.fixture
async def narrow(admin_dsn: str) -> AsyncGenerator[Database]:
    """Give pools of one connection each, so that the next borrower gets the one that was spoilt."""
    database = Database(admin_dsn, TEST_SECRET, sizes=dict.fromkeys(Role, 1))
    await database.open()
    yield database
    await database.close()


async def asks(database: Database, role: Role, desk: Desk) -> str | None:
    """Ask what the program asks of a person's notes."""
    async with database.acting(role, desk.person.identity, lent=role is Role.WORKER) as scope:
        return await scope.value(str, QUESTION, ("nothing",))


async def tries(database: Database, role: Role, desk: Desk, statements: Sequence[str]) -> None:
    """Run an attacker's statements in one transaction, and swallow what is refused."""
    with suppress(psycopg.Error, PersistenceError):
        async with database.acting(role, desk.person.identity, lent=role is Role.WORKER) as scope:
            for statement in statements:
                await scope.connection.execute(statement.encode())


async def poisons(database: Database, role: Role, desk: Desk, ending: Sequence[str]) -> None:
    """Give the name of each prepared statement that asks for notes to a statement of the attacker's."""
    names = "select coalesce(string_agg(name, ' '), '') from pg_prepared_statements where statement like %s"
    with suppress(psycopg.Error, PersistenceError):
        async with database.acting(role, desk.person.identity, lent=role is Role.WORKER) as scope:
            for name in (await scope.value(str, names, ("%string_agg(content%",)) or "").split():
                await scope.connection.execute(f"deallocate {name}".encode())
                await scope.connection.execute(f"prepare {name} (text) as {POISON}".encode())
            for statement in ending:
                await scope.connection.execute(statement.encode())


@pytest.mark.parametrize("role", [Role.WORKER, Role.EXECUTOR])
@pytest.mark.parametrize("ending", [[], ["commit"], ["select 1 / 0"], ["commit", "select 1 / 0"]], ids=str)
async def test_no_statement_can_be_put_in_the_place_of_another(
    narrow: Database, desk: Desk, strangers: Desk, role: Role, ending: list[str]
) -> None:
    """A prepared statement's name, given to another statement by one person, is not what the next one runs."""
    await desk.add("notes", content="mine")
    for _ in range(USES):
        assert await asks(narrow, role, desk) == "mine"
    await poisons(narrow, role, strangers, ending)
    for _ in range(USES):
        assert await asks(narrow, role, desk) == "mine"


async def left(scope: Scope) -> list[str]:
    """Return what a connection still has of its last borrower."""
    row = await (
        await scope.connection.execute(
            """
            select (select count(*) from pg_cursors where is_holdable), (select count(*) from pg_listening_channels()),
                (select count(*) from pg_prepared_statements where from_sql),
                current_setting('planwright.left', true), current_setting('search_path')
            """,
            prepare=False,
        )
    ).fetchone()
    return [str(value) for value in row or ()]


@pytest.mark.parametrize("role", [Role.WORKER, Role.EXECUTOR])
@pytest.mark.parametrize("ending", [[], ["commit"]], ids=["in the transaction", "behind its end"])
async def test_nothing_is_left_to_the_next_borrower(
    narrow: Database, desk: Desk, strangers: Desk, role: Role, ending: list[str]
) -> None:
    """Cursors, channels, statements and settings of one person's transaction are gone in the next one's.

    A channel is left with the end of the transaction in which it is; no statement can read what it hears.
    """
    for statement in LEFTOVERS:
        await tries(narrow, role, strangers, [statement, *ending])
        await tries(narrow, role, strangers, [*ending, statement])
        await asks(narrow, role, desk)
        async with narrow.acting(role, desk.person.identity, lent=role is Role.WORKER) as scope:
            assert await left(scope) in (["0", "0", "0", setting, "planwright, pg_temp"] for setting in ("None", "")), (
                statement
            )


@pytest.mark.parametrize("role", Role)
async def test_a_connection_whose_transaction_was_ended_is_not_used_again(
    narrow: Database, desk: Desk, role: Role
) -> None:
    """Text that commits or rolls back costs the connection, since what it did afterwards is nobody's to undo."""
    backends: list[int | None] = []
    for ending in ("commit", "rollback", "select 1"):
        with suppress(TransactionLost):
            async with narrow.acting(role, desk.person.identity, lent=role is Role.WORKER) as scope:
                backends.append(await scope.value(int, "select pg_backend_pid()"))
                await scope.connection.execute(ending.encode())
    assert len(set(backends)) == 3


async def test_what_psycopg_prepared_for_one_borrower_it_prepares_anew_for_the_next(
    narrow: Database, desk: Desk, strangers: Desk
) -> None:
    """It is gone on the server, so psycopg may not count on it, whoever ends the transaction."""
    for borrower in (desk, strangers):
        async with narrow.acting(Role.EXECUTOR, borrower.person.identity) as scope:
            for _ in range(2):
                row = await (await scope.connection.execute("select count(*) from notes")).fetchone()
                assert row == (0,)


async def test_an_executors_transaction_is_rolled_back_by_one_message(narrow: Database, desk: Desk) -> None:
    """Psycopg has a part in it only when it ran something in it."""
    async with narrow.acting(Role.EXECUTOR, desk.person.identity) as scope:
        await scope.execute("select 1")
        before = scope.connection.answers
    assert (scope.connection.answers - before, scope.connection.psycopg_ran) == (1, False)


async def test_an_executors_transaction_tells_nobody_anything(narrow: Database, admin_dsn: str, desk: Desk) -> None:
    """It ends with a rollback, so that not even a notification leaves it."""
    heard: list[str] = []
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as listener:
        await listener.execute("listen stolen")
        listener.add_notify_handler(lambda notify: heard.append(notify.payload))
        async with narrow.acting(Role.EXECUTOR, desk.person.identity) as scope:
            await scope.connection.execute("notify stolen, 'x'")
        await listener.execute("select 1")
    assert heard == []
