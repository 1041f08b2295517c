"""The executor's login with the gateway out of the way: any SQL, as a hole in a tool would let it through."""

import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow

from persistence import embedded
from persistence.checkup import examine
from persistence.errors import PersistenceError
from persistence.migrate import migrate
from persistence.pools import Database
from persistence.scope import Role
from tests.conftest import TEST_SECRET, new_person
from tests.persistence.conftest import Login
from tests.workspace_rows import Desk

WRITES: Final[tuple[LiteralString, ...]] = (
    "insert into notes (content) values ('x')",
    "insert into notes select * from notes",
    "insert into notes (content) values ('x') on conflict do nothing",
    "insert into chat_messages (session_id, role, content) values (gen_random_uuid(), 'user', 'x')",
    "update notes set content = 'x'",
    "update notes set user_id = user_id",
    "delete from notes",
    "delete from chat_sessions",
    "merge into notes n using tasks t on n.id = t.id when matched then delete",
    "truncate notes",
    "truncate notes cascade",
    "with gone as (delete from notes returning id) select * from gone",
    "with made as (insert into notes (content) values ('x') returning id) select * from made",
    "explain analyze delete from notes",
    "select * from notes for update",
    "select * from notes for no key update",
    "select * from notes for share",
    "select * into stolen from notes",
    "create table stolen as select * from notes",
    "create table stolen (id int)",
    "create temporary table stolen (id int)",
    "create temporary table stolen as select * from notes",
    "create view stolen as select * from notes",
    "create materialized view stolen as select * from notes",
    "create function stolen() returns int language sql as 'select 1'",
    "create function pg_temp.stolen() returns int language sql as 'select 1'",
    "create schema stolen",
    "create extension lo",
    "create role stolen",
    "create trigger stolen before insert on notes for each row execute function touch_updated_at()",
    "create policy stolen on notes using (true)",
    "create index stolen on notes (content)",
    "create sequence stolen",
    "create type stolen as (id int)",
    "alter table notes disable row level security",
    "alter table notes no force row level security",
    "alter table notes add column stolen int",
    "alter table notes owner to planwright_executor",
    "alter role planwright_executor bypassrls",
    "alter role planwright_executor set default_transaction_read_only = off",
    "alter system set fsync = off",
    "drop table notes",
    "drop policy own_rows on notes",
    "drop function current_user_id()",
    "drop schema planwright cascade",
    "grant insert on notes to planwright_executor",
    "grant planwright_owner to planwright_executor",
    "comment on table notes is 'x'",
    "do $$ begin delete from notes; end $$",
    "do $$ begin perform 1; end $$",
    "copy notes from stdin",
    "copy notes from program 'echo x'",
    "copy notes to program 'cat'",
    "copy notes to '/tmp/stolen'",
    "lock table notes",
    "lock table notes in row exclusive mode",
    "reindex table notes",
    "refresh materialized view notes",
    "vacuum notes",
    "cluster notes",
    "checkpoint",
    "prepare transaction 'stolen'",
    "set role planwright_worker",
    "set role planwright_owner",
    "set session authorization planwright_worker",
    "set session_replication_role = replica",
    "set transaction read write",
    "set transaction_read_only = off",
    "select set_config('transaction_read_only', 'off', true)",
    "select set_config('role', 'planwright_worker', true)",
    "select set_config('session_authorization', 'planwright_worker', true)",
    "select lo_create(0)",
    "select lo_creat(-1)",
    "select lo_from_bytea(0, 'x')",
    "select lo_import('/etc/hostname')",
    "select lo_export(1, '/tmp/stolen')",
    "select lo_unlink(1)",
    "select lo_put(1, 0, 'x')",
    "select pg_notify('stolen', content) from notes",
    "select pg_advisory_lock(1)",
    "select pg_advisory_xact_lock(1)",
    "select pg_try_advisory_lock(1)",
    "select pg_logical_emit_message(false, 'stolen', 'x')",
    "select pg_export_snapshot()",
    "select pg_terminate_backend(pg_backend_pid())",
    "select pg_cancel_backend(pg_backend_pid())",
    "select pg_reload_conf()",
    "select pg_rotate_logfile()",
    "select pg_switch_wal()",
    "select pg_create_restore_point('stolen')",
    "select pg_read_file('/etc/hostname')",
    "select pg_read_binary_file('/etc/hostname')",
    "select pg_ls_dir('/')",
    "select pg_stat_reset()",
    "select nextval('stolen')",
    "select pg_current_xact_id()",
    "select planwright.sign_up('a@example.org', 'UTC')",
    "select planwright.may_sign_in(gen_random_uuid())",
    "select planwright.append_events('{a}', '{text}', '{x}')",
    "select planwright.pass_fence()",
    "select planwright.unfinished_runs()",
    "select * from planwright.users",
    "select * from planwright.context_keys",
    "select * from planwright.runs",
    "select * from planwright.tool_calls",
    "select * from planwright.checkpoints",
    "select * from pg_authid",
    "call planwright.stolen()",
    "load 'stolen'",
    "reassign owned by planwright_executor to planwright_owner",
    "security label on table notes is 'x'",
)

# What cannot be taken from a role that may speak to the database at all. It ends with the transaction,
# which an executor's is rolled back: no notification is sent, no cursor or prepared statement is left.
RESIDUE: Final[tuple[LiteralString, ...]] = (
    "notify stolen",
    "listen stolen",
    "prepare stolen as select 1",
    "declare stolen cursor with hold for select 1",
    "lock table notes in access share mode",
)

# Granted to everybody, and only a superuser can take it back: what an administrator who is none
# leaves to an executor. No row changes; a large object can be made before release 16 only.
LEFT_BY_AN_ORDINARY_ADMINISTRATOR: Final = {
    "do $$ begin perform 1; end $$",
    "select lo_create(0)",
    "select lo_creat(-1)",
    "select lo_from_bytea(0, 'x')",
    "select pg_notify('stolen', content) from notes",
    "select pg_advisory_lock(1)",
    "select pg_advisory_xact_lock(1)",
    "select pg_try_advisory_lock(1)",
    "select pg_logical_emit_message(false, 'stolen', 'x')",
    "select pg_export_snapshot()",
    "select pg_current_xact_id()",
}

# Answered with a warning and without an effect when there is no transaction to refuse them.
ONLY_WARNED: Final = {
    "grant insert on notes to planwright_executor",
    "vacuum notes",
    "prepare transaction 'stolen'",
}

SEVERAL: Final[tuple[LiteralString, ...]] = (
    "select 1; delete from notes",
    "select 1; select 2",
    "commit; delete from notes",
    "rollback; begin read write; delete from notes; commit",
    "select 1 /* ; */; delete from notes",
    "select $$;$$; delete from notes",
    "select E'\\';' ; delete from notes --'",
    "set transaction read write; insert into notes (content) values ('x')",
    "begin; end; reset all; delete from notes",
)


async def refused(desk: Desk, statement: LiteralString) -> bool:
    """Say whether the executor's login is refused a statement."""
    try:
        async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
            await scope.connection.execute(statement)
    except (psycopg.Error, PersistenceError):
        return True
    return False


async def passed(desk: Desk, statements: tuple[LiteralString, ...]) -> list[str]:
    """Return the statements that the executor's login is not refused."""
    return [statement for statement in statements if not await refused(desk, statement)]


@pytest.mark.figure
async def test_an_executor_cannot_write_whatever_it_sends(desk: Desk) -> None:
    """Of more than a hundred statements that write, lock, read what is not theirs or reach out, none is done."""
    await desk.add("notes", content="kept")
    through = await passed(desk, WRITES)
    print(f"executor statements refused by the database: {len(WRITES) - len(through)} of {len(WRITES)}")
    assert through == []
    assert len(WRITES) >= 40
    assert await desk.count("notes") == 1


async def test_several_statements_in_one_string_are_refused(desk: Desk) -> None:
    """An executor's text is one statement: what is smuggled in behind a semicolon makes all of it fail."""
    await desk.add("notes", content="kept")
    assert await passed(desk, SEVERAL) == []
    assert await desk.count("notes") == 1


async def test_what_is_left_to_an_executor_stores_nothing(desk: Desk) -> None:
    """The few statements that Postgres grants to everybody are known, and change no row."""
    await desk.add("notes", content="kept")
    assert await passed(desk, RESIDUE) == list(RESIDUE)
    assert await desk.count("notes") == 1


async def test_an_executor_that_ends_its_transaction_is_found_out(desk: Desk) -> None:
    """Text that commits or rolls back does not pass for a tool that did its work."""
    assert await passed(desk, ("commit", "rollback")) == []


async def test_the_pool_is_well_after_every_attack(desk: Desk) -> None:
    """Whatever was tried on a connection, the next borrower reads their rows."""
    await desk.add("notes", content="kept")
    for statement in (*RESIDUE, "deallocate all", "copy notes to stdout", "select pg_sleep(0)"):
        await refused(desk, statement)
        assert await desk.count("notes") == 1


async def test_a_reading_statement_passes(desk: Desk) -> None:
    """The same login reads its person's rows: the refusals above are not accidents."""
    assert not await refused(desk, "select content from notes")


async def test_the_rights_alone_refuse_every_write(desk: Desk, login: Login) -> None:
    """Outside any read-only transaction, what the login was never granted refuses the same statements."""
    await desk.add("notes", content="kept")
    connection = await login(Role.EXECUTOR)
    await connection.execute("set default_transaction_read_only = off")
    through = {write for write in WRITES if "read" not in write and not await fails(connection, write)}
    assert through == ONLY_WARNED
    assert await desk.count("notes") == 1


async def fails(connection: AsyncConnection[TupleRow], statement: LiteralString) -> bool:
    """Say whether a statement fails on a connection outside any transaction."""
    try:
        await connection.execute(statement)
    except psycopg.Error:
        return True
    return False


@dataclass(frozen=True)
class Ordinary:
    """A database that an administrator without a superuser's rights migrated, and the way of a superuser there."""

    dsn: str
    superuser_dsn: str


@pytest.fixture(scope="module")
def ordinary() -> Generator[Ordinary]:
    """Give a server with such a database."""
    with tempfile.TemporaryDirectory(prefix="pw") as room:
        Path(room).chmod(0o755)
        with embedded.start(Path(room) / "data", settings={"fsync": "off"}) as server:
            with psycopg.connect(server.dsn, autocommit=True) as admin:
                admin.execute("create role ordinary login createrole password 'p'")
                admin.execute("create database installation owner ordinary")
            dsn = make_conninfo(server.dsn, user="ordinary", password="p", dbname="installation")
            migrate(dsn, TEST_SECRET)
            migrate(dsn, TEST_SECRET)
            yield Ordinary(dsn, make_conninfo(server.dsn, dbname="installation"))


async def test_an_ordinary_administrator_leaves_no_way_to_write(ordinary: Ordinary) -> None:
    """Installed by a login that may create roles and owns the database, an executor changes no row either."""
    database = Database(ordinary.dsn, TEST_SECRET, sizes=dict.fromkeys(Role, 1))
    await database.open()
    desk = Desk(database, await new_person(database))
    await desk.add("notes", content="kept")
    through = set(await passed(desk, WRITES))
    assert through <= LEFT_BY_AN_ORDINARY_ADMINISTRATOR
    assert "select pg_notify('stolen', content) from notes" in through
    assert await desk.count("notes") == 1
    await database.close()


def test_what_an_ordinary_administrator_leaves_is_known_until_a_superuser_takes_it(ordinary: Ordinary) -> None:
    """The check-up names every kind of it; one migration by a superuser, and none is left for good."""
    assert set(examine(ordinary.dsn, TEST_SECRET).left_open) == {
        "large objects",
        "advisory locks",
        "notifications",
        "signals to other sessions",
        "messages in the write-ahead log",
        "shared snapshots",
        "transaction numbers",
        "blocks of code",
        "track_activities as it is",
        "temp_file_limit as it is",
    }
    migrate(ordinary.superuser_dsn, TEST_SECRET)
    migrate(ordinary.dsn, TEST_SECRET)
    assert examine(ordinary.dsn, TEST_SECRET).left_open == ()


async def test_an_executor_cannot_end_what_another_does(desk: Desk, strangers: Desk) -> None:
    """Neither the connection nor the statement of another session of the same role can be ended."""
    async with strangers.database.acting(Role.EXECUTOR, strangers.person.identity) as theirs:
        pid = theirs.connection.info.backend_pid
        for function in ("pg_cancel_backend", "pg_terminate_backend"):
            with pytest.raises(InsufficientPrivilege, match=function):
                async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
                    await scope.connection.execute(f"select {function}({pid})".encode())
        assert await theirs.value(int, "select 1") == 1


async def test_what_runs_for_a_tool_has_bounds(desk: Desk) -> None:
    """A statement of an executor sorts in 8 MB, and puts no more than 256 MB on the disk."""
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        assert await scope.value(str, "show work_mem") == "8MB"
        assert await scope.value(str, "show temp_file_limit") == "256MB"
        with pytest.raises(InsufficientPrivilege):
            async with scope.savepoint():
                await scope.execute("set local temp_file_limit = -1")
