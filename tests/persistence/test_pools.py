"""The pools: who gets a connection, in what state, and what a caller is told when there is none."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Final, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from persistence import hanging_up, pools
from persistence.errors import (
    DatabaseUnavailable,
    StatementRefused,
    StatementTimedOut,
    StoodStill,
    TransactionLost,
    UnsafeRole,
)
from persistence.gate import behind_those_at_work
from persistence.pools import CHECKOUT_TIMEOUT_SECONDS, Database, PoolUse
from persistence.scope import Identity, Role, Scope, Secret
from tests.conftest import TEST_SECRET, Person
from tests.faults.proxy import Proxy
from tests.run_rows import Office
from tests.server.reading import until
from tests.workspace_rows import Desk

SHORT_SECONDS: Final = 0.2
INTERLEAVINGS: Final = 300
CANCELLATIONS: Final = 60
CROWDS: Final = 60
CROWD: Final = 12
PATIENCE_SECONDS: Final = 20.0
TICKS_APART: Final = 5  # a transaction takes about a hundred rounds of the event loop to begin


@asynccontextmanager
async def narrow(dsn: str, size: int, timeout_seconds: float = CHECKOUT_TIMEOUT_SECONDS) -> AsyncGenerator[Database]:
    """Give pools of so many connections each."""
    opened = Database(dsn, TEST_SECRET, sizes=dict.fromkeys(Role, size), checkout_timeout_seconds=timeout_seconds)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


async def visible(scope: Scope) -> set[str]:
    """Return the contents of every note that the scope shows."""
    return set((await scope.value(str, "select string_agg(content, ',') from notes") or "").split(","))


async def test_two_people_on_one_pool_never_see_each_other(admin_dsn: str, desk: Desk, strangers: Desk) -> None:
    """Some hundred transactions of two people, side by side over two connections: each sees their own rows only."""
    await desk.add("notes", content="mine")
    await strangers.add("notes", content="theirs")
    async with narrow(admin_dsn, 2) as database:

        async def look(role: Role, person: Person, expected: str) -> bool:
            async with database.acting(role, person.identity) as scope:
                await asyncio.sleep(0)
                return await visible(scope) == {expected}

        looks = [
            look(role, who, content)
            for _ in range(INTERLEAVINGS // 6)
            for role in Role
            for who, content in ((desk.person, "mine"), (strangers.person, "theirs"))
        ]
        assert all(await asyncio.gather(*looks))


async def test_an_exhausted_pool_says_so(admin_dsn: str, person: Person) -> None:
    """Whoever finds no free connection in time gets an error instead of a place in a longer queue."""
    async with narrow(admin_dsn, 1, SHORT_SECONDS) as database, database.acting(Role.API, person.identity):
        with pytest.raises(DatabaseUnavailable):
            await take(database, person)


def test_nobody_waits_longer_than_five_seconds() -> None:
    """Five seconds is what a caller waits for a connection."""
    assert CHECKOUT_TIMEOUT_SECONDS == 5


async def take(database: Database, person: Person, role: Role = Role.API) -> None:
    """Take a connection and give it back."""
    async with database.acting(role, person.identity):
        pass


async def test_a_freed_connection_goes_to_whoever_waits(admin_dsn: str, person: Person) -> None:
    """More callers than connections all get their turn."""
    async with narrow(admin_dsn, 1) as database:
        await asyncio.gather(*(take(database, person) for _ in range(20)))


async def test_a_run_that_waits_for_its_turn_takes_no_connection(admin_dsn: str, person: Person) -> None:
    """However many of a run's transactions wait for one of them, another run finds a connection."""
    async with narrow(admin_dsn, 2, SHORT_SECONDS) as database:
        office = Office(database, person)
        first, second = await office.begin(), await office.begin()
        async with office.working(first) as scope:
            await scope.execute("select 1")
            waiting = [asyncio.create_task(ask(office, first)) for _ in range(CROWD)]
            await asyncio.wait(waiting, timeout=0)
            await ask(office, second)
            assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)


async def ask(office: Office, worker: Identity) -> None:
    """Ask something in a transaction of a run."""
    async with office.working(worker) as scope:
        await scope.execute("select 1")


async def all_wait(database: Database, wanted: int) -> None:
    """Wait until so many wait for a worker's connection."""

    async def as_many() -> bool:
        return database.use()[Role.WORKER].awaited == wanted

    await until(as_many)


async def test_connections_for_a_crowd_are_opened_before_it_comes(admin_dsn: str) -> None:
    """Whoever expects many has all connections of a role opened at once, and no others."""
    async with narrow(admin_dsn, 3) as database:
        await database.expect_many(Role.API)

        async def as_many() -> bool:
            return database.use()[Role.API] == PoolUse(3, 0, 0)

        await until(as_many)
        assert database.use()[Role.EXECUTOR].open == 1


async def test_a_free_connection_goes_to_the_run_that_began_first(admin_dsn: str, person: Person) -> None:
    """Runs that wait for a connection get it in the order in which they began, not in which they came."""
    served: list[str] = []
    async with narrow(admin_dsn, 1) as database:

        async def act(name: str) -> None:
            async with database.acting(Role.WORKER, person.identity) as scope:
                await scope.execute("select 1")
            served.append(name)

        async def after(come: asyncio.Event, name: str) -> None:
            await come.wait()
            await act(name)

        old_comes, young_comes = asyncio.Event(), asyncio.Event()
        with behind_those_at_work():
            old = asyncio.create_task(after(old_comes, "old"))
        with behind_those_at_work():
            young = asyncio.create_task(after(young_comes, "young"))
        with behind_those_at_work():
            async with database.acting(Role.WORKER, person.identity):
                young_comes.set()
                await all_wait(database, 1)
                old_comes.set()
                await all_wait(database, 2)
        await asyncio.gather(old, young)
    assert served == ["old", "young"]


async def test_a_run_may_wait_for_others_as_long_as_they_get_on(admin_dsn: str, person: Person) -> None:
    """Behind other runs, a run waits longer than anybody waits for a connection, and then has one."""
    async with narrow(admin_dsn, 1, SHORT_SECONDS) as database, database.acting(Role.API, person.identity):
        with behind_those_at_work():
            async with database.acting(Role.WORKER, person.identity):
                waiting = asyncio.create_task(take(database, person, Role.WORKER))
                await all_wait(database, 1)
                with pytest.raises(DatabaseUnavailable):
                    await take(database, person)
                assert not waiting.done()
        await waiting


async def test_runs_do_not_wait_in_vain_behind_one_that_finds_no_connection(admin_dsn: str, person: Person) -> None:
    """When a run that is let in gets no connection in time, those behind it are told so at once."""
    async with narrow(admin_dsn, 1, SHORT_SECONDS) as database:
        async with database.acting(Role.WORKER, person.identity):
            with behind_those_at_work():
                waiting = [asyncio.create_task(take(database, person, Role.WORKER)) for _ in range(CROWD)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * CROWD
        with behind_those_at_work():
            await take(database, person, Role.WORKER)


@contextmanager
def granted(dsn: str, grant: LiteralString, revoke: LiteralString) -> Generator[None]:
    """Give a role too much for a while."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(grant)
        try:
            yield
        finally:
            admin.execute(revoke)


@pytest.mark.skipif(
    {"PLANWRIGHT_DATABASE_URL", "PYTEST_XDIST_WORKER"} <= os.environ.keys(),
    reason="roles are the whole server's: beside other processes of the suite, run this with TEST_WORKERS=0",
)
@pytest.mark.parametrize(
    ("grant", "revoke"),
    [
        pytest.param(
            "alter role planwright_worker superuser", "alter role planwright_worker nosuperuser", id="a superuser"
        ),
        pytest.param(
            "alter role planwright_executor bypassrls",
            "alter role planwright_executor nobypassrls",
            id="may bypass row security",
        ),
        pytest.param(
            "alter role planwright_dispatch bypassrls",
            "alter role planwright_dispatch nobypassrls",
            id="the queue's may bypass it",
        ),
        pytest.param(
            "alter role planwright_migrate superuser",
            "alter role planwright_migrate nosuperuser",
            id="that of migrations is a superuser",
        ),
        pytest.param(
            "grant pg_read_server_files to planwright_executor",
            "revoke pg_read_server_files from planwright_executor",
            id="may read the server's files",
        ),
        pytest.param(
            "grant planwright_owner to planwright_api",
            "revoke planwright_owner from planwright_api",
            id="may become the owner of the tables",
        ),
    ],
)
async def test_a_role_that_row_security_does_not_hold_is_refused(
    admin_dsn: str, grant: LiteralString, revoke: LiteralString
) -> None:
    """The program does not start with a login that could step around row security."""
    database = Database(admin_dsn, TEST_SECRET, sizes=dict.fromkeys(Role, 1))
    with granted(admin_dsn, grant, revoke), pytest.raises(UnsafeRole, match="planwright_"):
        await database.open()


async def test_a_wrong_secret_opens_nothing(admin_dsn: str) -> None:
    """With another installation's secret no role can sign in, and the caller is told that there is no database."""
    database = Database(admin_dsn, Secret(b"another"), checkout_timeout_seconds=SHORT_SECONDS)
    with pytest.raises(DatabaseUnavailable):
        await database.open()


async def test_a_broken_connection_is_replaced(admin_dsn: str, person: Person) -> None:
    """A connection that dies under a caller is an error for that caller only."""
    async with narrow(admin_dsn, 1) as database:
        with pytest.raises(DatabaseUnavailable):
            await die_inside(admin_dsn, database, person)
        await take(database, person)


async def die_inside(dsn: str, database: Database, person: Person) -> None:
    """Lose the connection in the middle of a transaction."""
    async with database.acting(Role.API, person.identity) as scope:
        process = await scope.value(int, "select pg_backend_pid()")
        with psycopg.connect(dsn) as admin:
            admin.execute("select pg_terminate_backend(%s, 5000)", (process,))
        await scope.execute("select 1")


async def test_an_idle_connection_that_died_is_not_handed_out(admin_dsn: str, person: Person) -> None:
    """A connection that the server closed while nobody held it costs nobody an error."""
    async with narrow(admin_dsn, 1) as database:
        async with database.acting(Role.API, person.identity) as scope:
            process = await scope.value(int, "select pg_backend_pid()")
        with psycopg.connect(admin_dsn) as admin:
            admin.execute("select pg_terminate_backend(%s, 5000)", (process,))
        await take(database, person)


async def test_many_idle_connections_that_died_are_replaced_within_one_wait(admin_dsn: str, person: Person) -> None:
    """However many the server closed, as when it is started again, whoever comes next gets a new one in time."""
    async with narrow(admin_dsn, 8) as database:
        async with AsyncExitStack() as open_ones:
            acting = (database.acting(Role.API, person.identity) for _ in range(8))
            scopes = [await open_ones.enter_async_context(each) for each in acting]
            processes = [await scope.value(int, "select pg_backend_pid()") for scope in scopes]
        with psycopg.connect(admin_dsn) as admin:
            admin.execute("select pg_terminate_backend(pid, 5000) from unnest(%s::int[]) as pid", (processes,))
        await take(database, person)


async def test_an_idle_connection_that_fell_silent_is_not_handed_out(
    proxy: Proxy, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection on which nobody answers any more, and which nobody closed, is replaced before it is handed out."""
    monkeypatch.setattr(hanging_up, "BELIEVED_SECONDS", 0.0)
    monkeypatch.setattr(hanging_up, "CHECK_SECONDS", SHORT_SECONDS)
    async with narrow(proxy.dsn, 1, PATIENCE_SECONDS) as database:
        for role in Role:
            await take(database, person, role)
        proxy.go_dark()
        for role in Role:
            async with asyncio.timeout(pools.TRANSACTION_SECONDS[Role.EXECUTOR]):
                await take(database, person, role)


SETTINGS: Final = {
    "search_path": "nowhere",
    "statement_timeout": "0",
    "default_transaction_read_only": "off",
    "row_security": "off",
    "TimeZone": "Asia/Tokyo",
}


@pytest.mark.parametrize("setting", SETTINGS)
async def test_a_connection_forgets_what_its_last_borrower_set(admin_dsn: str, person: Person, setting: str) -> None:
    """What one transaction sets for the whole connection does not reach the next one."""
    async with narrow(admin_dsn, 1) as database:
        async with database.acting(Role.EXECUTOR, person.identity) as scope:
            before = await scope.value(str, "select current_setting(%s)", (setting,))
            await scope.execute("select set_config(%s, %s, false)", (setting, SETTINGS[setting]))
        async with database.acting(Role.EXECUTOR, person.identity) as scope:
            assert await scope.value(str, "select current_setting(%s)", (setting,)) == before
            assert await scope.value(int, "select count(*) from notes") == 0


async def test_cancelled_callers_leave_clean_connections(admin_dsn: str, desk: Desk, strangers: Desk) -> None:
    """A caller cancelled anywhere, also between BEGIN and the context, leaves nothing to the next borrower."""
    await desk.add("notes", content="mine")
    await strangers.add("notes", content="theirs")
    reached: list[int] = []
    async with narrow(admin_dsn, 1) as database:
        for number in range(CANCELLATIONS):
            work = write_and_wait(database, desk.person.identity, partial(reached.append, number))
            await cancelled_after(number * TICKS_APART, work)
            async with database.acting(Role.WORKER, strangers.person.identity) as scope:
                assert await visible(scope) == {"theirs"}
    assert await desk.count("notes") == 1
    assert 0 < len(reached) < CANCELLATIONS, "some were cancelled before the transaction had begun, some in it"


async def test_what_waits_for_a_commit_knows_of_it_wherever_its_caller_is_cancelled(admin_dsn: str, desk: Desk) -> None:
    """It is called when the rows are there, and when they are not it is not: also when nobody waited for the answer."""
    noted: list[str] = []

    async def write(content: str) -> None:
        async with database.acting(Role.WORKER, desk.person.identity) as scope:
            scope.send("insert into notes (content) values (%s)", (content,))
            scope.after_commit(partial(noted.append, content))

    async with narrow(admin_dsn, 1) as database:
        for number in range(CANCELLATIONS):
            writing = asyncio.ensure_future(write(f"{number}"))
            for _ in range(number * TICKS_APART):
                await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait([writing])
        async with database.acting(Role.WORKER, desk.person.identity) as scope:
            rows = await scope.all(dict[str, str], "select content from notes")
    assert {row["content"] for row in rows} == {*noted}
    assert 0 < len(noted) < CANCELLATIONS, "some were cancelled before they were sent, some behind it"


async def write_and_wait(database: Database, who: Identity, begun: Callable[[], None]) -> None:
    """Begin a transaction that writes and never ends."""
    async with database.acting(Role.WORKER, who) as scope:
        begun()
        await scope.execute("insert into notes (content) values ('half done')")
        await scope.execute("select pg_sleep(60)")


async def cancelled_after(ticks: int, work: Coroutine[None, None, None]) -> None:
    """Run work for so many rounds of the event loop, cancel it, and wait until it is gone."""
    task = asyncio.ensure_future(work)
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_is_cancelled_as_it_gets_a_connection_ends(admin_dsn: str) -> None:
    """Of many tasks that wait for few connections, each ends when it is cancelled, also in the very moment it gets one.

    Without care, 27 of 720 went on: the pool waits with `asyncio.wait_for`, which forgets that.
    """
    async with narrow(admin_dsn, 4) as database:
        for number in range(CROWDS):
            tasks = [asyncio.create_task(ask_for_ever(database)) for _ in range(CROWD)]
            for _ in range(CROWD + number * TICKS_APART):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            _, left = await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
            assert not left
            assert all(task.cancelled() for task in tasks)


async def ask_for_ever(database: Database) -> None:
    """Ask one thing after the other."""
    while True:
        async with database.acting(Role.WORKER, Identity(UUID(int=0))) as scope:
            await scope.execute("select 1")


async def test_an_exception_undoes_the_transaction(desk: Desk) -> None:
    """What a scope wrote before it raised is not stored, and nobody is told that it was."""
    told: list[str] = []
    with pytest.raises(ZeroDivisionError):
        await raise_after_writing(desk, told)
    assert await desk.count("notes") == 0
    assert told == []


async def test_a_transaction_that_fails_is_no_news_to_the_operator(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """What a caller's exception leaves undone is rolled back before the pool would have to, and say so in the log."""
    with pytest.raises(ZeroDivisionError):
        await raise_after_writing(desk, [])
    with pytest.raises(StatementRefused):
        async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
            await scope.execute("insert into notes (content) values (null)")
    assert [record.getMessage() for record in caplog.records if record.name.startswith("psycopg")] == []


async def raise_after_writing(desk: Desk, told: list[str]) -> None:
    """Write a note and fail."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        scope.after_commit(lambda: told.append("stored"))
        await scope.execute("insert into notes (content) values ('half done')")
        raise ZeroDivisionError


async def test_a_transaction_ends_with_its_last_statement(desk: Desk) -> None:
    """What is announced as the last statement is committed with its answer, and nothing follows it."""
    committed: list[int] = []
    for expected in (1, 2):
        async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
            scope.after_commit(partial(committed.append, expected))
            scope.send("insert into notes (content) values ('kept')")
            scope.ends_with_next()
            assert await scope.value(int, "select count(*) from notes") == expected
            assert await desk.count("notes") == expected, "it is committed"
            with pytest.raises(AssertionError, match="has ended"):
                scope.send("select 1")
    assert committed == [1, 2]


async def test_a_last_statement_that_fails_commits_nothing(desk: Desk) -> None:
    """Neither what stood before it nor what it did itself is stored."""
    with pytest.raises(StatementRefused):
        await fail_at_the_end(desk)
    assert await desk.count("notes") == 0


async def fail_at_the_end(desk: Desk) -> None:
    """Write a note, and end with a statement that the database refuses."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        scope.send("insert into notes (content) values ('half done')")
        scope.ends_with_next()
        await scope.execute("insert into tasks (title) values ('')")


async def test_questions_are_asked_together(desk: Desk) -> None:
    """Each has its own outcome, in one message; what is asked behind them is asked by itself."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        await scope.execute("select 1")
        before = scope.connection.answers
        found = await scope.together(*(scope.value(int, "select %s", (number,)) for number in (1, 2, 3)))
        assert (found, scope.connection.answers - before) == ((1, 2, 3), 1)
        assert await scope.value(int, "select 4") == 4


async def test_questions_that_are_asked_together_end_a_transaction(desk: Desk) -> None:
    """The commit travels behind the last of them."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        scope.send("insert into notes (content) values ('kept')")
        scope.ends_with_next()
        await scope.together(scope.execute("select 1"), scope.execute("select 2"))
        assert await desk.count("notes") == 1


async def test_one_of_several_questions_that_fails_fails_for_all(desk: Desk) -> None:
    """Nobody waits for an outcome that does not come, and nothing is stored."""
    with pytest.raises(StatementRefused):
        await ask_what_fails(desk)
    assert await desk.count("tasks") == 0


async def ask_what_fails(desk: Desk) -> None:
    """Ask three things together of which the second is refused."""
    titles = "kept", "", "kept as well"
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        insert = partial(scope.execute, "insert into tasks (title) values (%s)")
        await scope.together(*(insert((title,)) for title in titles))


async def test_a_failure_that_is_passed_over_is_not_taken_for_a_commit(desk: Desk) -> None:
    """Postgres answers COMMIT after a failed statement with a silent ROLLBACK: here it is an error."""
    told: list[str] = []
    with pytest.raises(TransactionLost):
        await go_on_after_a_failure(desk, told)
    assert await desk.count("notes") == 0
    assert told == []


async def go_on_after_a_failure(desk: Desk, told: list[str]) -> None:
    """Write a note, swallow the failure of another statement, and leave as if nothing had happened."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        scope.after_commit(lambda: told.append("stored"))
        await scope.execute("insert into notes (content) values ('lost')")
        with pytest.raises(psycopg.DataError):
            await scope.execute("select 1 / 0")


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        pytest.param("select pg_sleep(10)", StatementTimedOut, id="too slow"),
        pytest.param("insert into tasks (title) values ('')", StatementRefused, id="a check"),
        pytest.param("insert into notes (content) values (null)", StatementRefused, id="a missing value"),
        pytest.param("select 'x'::uuid", StatementRefused, id="not a uuid"),
    ],
)
async def test_what_the_database_refuses_has_a_name_of_ours(
    desk: Desk, statement: LiteralString, error: type[Exception]
) -> None:
    """No caller has to know psycopg to tell one refusal from another."""
    with pytest.raises(error):
        await run_briefly(desk, statement)


async def run_briefly(desk: Desk, statement: LiteralString) -> None:
    """Run a statement that may take 50 ms."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        await scope.execute("set local statement_timeout = 50")
        await scope.execute(statement)


async def test_a_lock_that_is_not_freed_is_a_timeout(desk: Desk) -> None:
    """Whoever waits too long for another transaction's row is told, and the row is free afterwards."""
    note = await desk.add("notes", content="held")
    query = "select content from notes where id = %s for update"
    async with desk.database.acting(Role.WORKER, desk.person.identity) as holder:
        await holder.execute(query, (note,))
        with pytest.raises(StatementTimedOut):
            await wait_briefly(desk, query, note)
    await wait_briefly(desk, query, note)


async def wait_briefly(desk: Desk, query: LiteralString, note: UUID) -> None:
    """Ask for a row, and wait for it 20 ms."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        await scope.execute("set local lock_timeout = 20")
        await scope.execute(query, (note,))


@pytest.mark.parametrize("statement", ["select 1", None], ids=["in a statement", "at the commit"])
async def test_a_transaction_that_stood_still_says_so(
    desk: Desk, admin_dsn: str, statement: LiteralString | None
) -> None:
    """Who asks nothing for so long that the server ends the transaction is told just that."""
    with pytest.raises(StoodStill):
        await stand_still(desk, admin_dsn, statement)


async def stand_still(desk: Desk, admin_dsn: str, statement: LiteralString | None) -> None:
    """Stay in a transaction until the server has ended it, then go on."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        await scope.execute("set local idle_in_transaction_session_timeout = 20")
        pid = scope.connection.info.backend_pid
        async with await AsyncConnection.connect(admin_dsn, autocommit=True) as admin:

            async def is_gone() -> bool:
                return (await admin.execute("select from pg_stat_activity where pid = %s", (pid,))).rowcount == 0

            await until(is_gone)
        if statement is not None:
            await scope.execute(statement)


@pytest.mark.parametrize("role", Role)
async def test_every_transaction_has_limits(desk: Desk, role: Role) -> None:
    """A statement, a lock and an idle transaction end by themselves, soonest for executors."""
    seconds = {Role.API: "10s", Role.WORKER: "30s", Role.EXECUTOR: "5s"}[role]
    async with desk.database.acting(role, desk.person.identity) as scope:
        assert await scope.value(str, "show statement_timeout") == seconds
        assert await scope.value(str, "show lock_timeout") == "10s"
        assert await scope.value(str, "show idle_in_transaction_session_timeout") == "5s"


async def test_the_names_of_tables_cannot_be_shadowed(desk: Desk) -> None:
    """No role may make a table, a temporary one included, that a statement would take for ours."""
    for role in Role:
        for schema in ("planwright", "pg_temp", "public"):
            statement = SQL("create table {} (content text)").format(Identifier(schema, "notes"))
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                async with desk.database.acting(role, desk.person.identity) as scope:
                    await scope.connection.execute(statement)
