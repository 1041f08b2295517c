"""The signed context: what row security believes, and what it does not."""

import hashlib
import hmac
import time
from typing import Final
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection, ProgrammingError
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from persistence.errors import StatementRefused, StatementTimedOut
from persistence.pools import Database
from persistence.scope import CONTEXT_LIFETIME_SECONDS, Identity, Role, Scope, Secret, signed_context
from tests.conftest import TEST_SECRET, Person
from tests.persistence.conftest import Login
from tests.run_rows import Office
from tests.workspace_rows import Desk

PERSONS_TABLES: Final = (
    "projects",
    "tasks",
    "notes",
    "brain_dumps",
    "phases",
    "phase_tasks",
    "calendar_events",
    "task_calendar_events",
)
CANARY: Final = "a secret that nobody else may read"


def signed(
    user_id: object, role: str = Role.EXECUTOR, expires_in: int = 60, key: bytes | None = None, held: str = "|"
) -> str:
    """Sign a context as the specification says, independently of the program; `held` is its run and attempt."""
    text = f"{user_id}|{held}|{role}|{int(time.time()) + expires_in}"
    return f"{text}|{hmac.new(key or TEST_SECRET.signing_key(), text.encode(), hashlib.sha256).hexdigest()}"


def bad_contexts(user_id: UUID) -> dict[str, str]:
    """Return every way in which a context can be wrong, for a person who exists."""
    good = signed(user_id)
    return {
        "missing": "",
        "the id alone": str(user_id),
        "no signature": good.rpartition("|")[0],
        "an empty signature": good.rpartition("|")[0] + "|",
        "a signature of zeros": good[:-64] + "0" * 64,
        "a signature in capitals": good[:-64] + good[-64:].upper(),
        "cut short": good[:-1],
        "longer": good + "0",
        "a seventh field": good + "|",
        "another person's id under its signature": good.replace(str(user_id), str(uuid4())),
        "another run under its signature": good.replace("|||", f"|{uuid4()}||"),
        "signed with another key": signed(user_id, key=b"k" * 32),
        "expired": signed(user_id, expires_in=-1),
        "another role's": signed(user_id, Role.WORKER),
        "in another case": signed(user_id, Role.EXECUTOR.upper()),
        "separators only": "|||||",
        "not text of ours": "'; select 1 --",
        "letters beyond ASCII": good + "ß\N{SNOWMAN}",
        "very long": good * 1000,
    }


async def rows_seen(connection: AsyncConnection[TupleRow]) -> int:
    """Count what a connection sees of every table of a workspace."""
    seen = 0
    for table in PERSONS_TABLES:
        row = await (await connection.execute(SQL("select count(*) from {}").format(Identifier(table)))).fetchone()
        assert row is not None
        seen += int(row[0])
    return seen


@pytest.mark.parametrize("fault", list(bad_contexts(uuid4())))
async def test_a_context_that_is_not_ours_shows_no_rows(desk: Desk, login: Login, fault: str) -> None:
    """A forged, expired, borrowed or broken context means nobody: no rows, and no error either."""
    await desk.add("notes", content=CANARY)
    connection = await login(Role.EXECUTOR)
    async with connection.transaction():
        await connection.execute(
            "select set_config('planwright.context', %s, true)", (bad_contexts(desk.person.id)[fault],)
        )
        assert await rows_seen(connection) == 0


async def written_as(connection: AsyncConnection[TupleRow], context: str) -> int:
    """Charge whoever a context claims to be, behind the fence of the run that it claims to hold; return the rows."""
    async with connection.transaction():
        await connection.execute("select set_config('planwright.context', %s, true)", (context,))
        await connection.execute("select pass_fence()")
        charged = await connection.execute("insert into charges (id, kind, amount) values (%s, 'token', 1)", (uuid4(),))
        return charged.rowcount


@pytest.mark.parametrize("forged", ["the fence", "the row"])
async def test_what_a_context_claims_counts_only_when_it_is_signed(office: Office, login: Login, forged: str) -> None:
    """Whose a row is and which run is held are read from the context as it stands, and held against the verified."""
    worker = await office.begin()
    right = signed(worker.user_id, Role.WORKER, held=f"{worker.run_id}|{worker.attempt}")
    connection = await login(Role.WORKER)
    assert await written_as(connection, right) == 1
    wrong = right[:-64] + "0" * 64
    async with connection.transaction(force_rollback=True):
        await connection.execute("select set_config('planwright.context', %s, true)", (wrong,))
        if forged == "the fence":
            with pytest.raises(ProgrammingError, match="no longer holds the run"):
                await connection.execute("select pass_fence()")
        else:
            with pytest.raises(InsufficientPrivilege, match="row-level security"):
                await connection.execute("insert into charges (id, kind, amount) values (%s, 'token', 1)", (uuid4(),))


async def test_a_signed_context_shows_the_persons_rows(desk: Desk, login: Login) -> None:
    """The same connection sees the rows with a context that is right: the refusals above are not accidents."""
    await desk.add("notes", content=CANARY)
    connection = await login(Role.EXECUTOR)
    async with connection.transaction():
        await connection.execute("select set_config('planwright.context', %s, true)", (signed(desk.person.id),))
        assert await rows_seen(connection) == 1


async def test_without_a_context_there_are_no_rows(desk: Desk, login: Login) -> None:
    """A connection that never set a context sees nothing, in any of the three roles."""
    await desk.add("notes", content=CANARY)
    for role in Role:
        assert await rows_seen(await login(role)) == 0


async def test_a_context_ends_with_its_transaction(desk: Desk, login: Login) -> None:
    """The next transaction of the connection sees no rows; that the setting reads '' there is no error."""
    await desk.add("notes", content=CANARY)
    connection = await login(Role.EXECUTOR)
    async with connection.transaction():
        await connection.execute("select set_config('planwright.context', %s, true)", (signed(desk.person.id),))
        assert await rows_seen(connection) == 1
    left = await (await connection.execute("select current_setting('planwright.context', true)")).fetchone()
    assert left == ("",)
    assert await rows_seen(connection) == 0


# What a hole in a tool's SQL would let someone write; {take} sets a context for the victim.
INJECTED: Final = {
    "in where": "select content from notes where {take} is not null",
    "in a subquery": "select content from notes where (select {take}) <> ''",
    "in from": "select n.content from (select {take}) f, notes n",
    "in a CTE": "with f as materialized (select {take}) select n.content from f, notes n",
    "in lateral": "select n.content from notes n, lateral (select {take}) f",
    "in order by": "select content from notes order by {take}",
    "in the list": "select {take}, (select string_agg(content, '') from notes)",
    "in a union": "select {take} union all select content from notes",
    "in a case": "select case when {take} <> '' then (select string_agg(content, '') from notes) end",
    "in a function's argument": "select string_agg(content, {take}) from notes",
    "for the row": "select content from notes where user_id = '{victim}'",
    "with a tautology": "select content from notes where title = '' or 1 = 1 --'",
}


@pytest.mark.parametrize("place", INJECTED)
async def test_injected_text_cannot_take_another_persons_context(desk: Desk, strangers: Desk, place: str) -> None:
    """Wherever in a statement the context is replaced by a forged one, the other person's rows stay hidden."""
    await desk.add("notes", content=CANARY)
    take = f"set_config('planwright.context', '{signed(desk.person.id, key=b'a guess')}', true)"
    statement = INJECTED[place].format(take=take, victim=desk.person.id)
    async with strangers.database.acting(Role.EXECUTOR, strangers.person.identity) as scope:
        rows = await (await scope.connection.execute(statement.encode())).fetchall()
    assert CANARY not in str(rows)


async def test_row_security_cannot_be_switched_off(desk: Desk, strangers: Desk) -> None:
    """Asking for rows without row security is an error, not a way around it."""
    await desk.add("notes", content=CANARY)
    async with strangers.database.acting(Role.API, strangers.person.identity) as scope:
        await scope.execute("set local row_security = off")
        with pytest.raises(InsufficientPrivilege, match="row-level security"):
            async with scope.savepoint():
                await scope.execute("select content from notes")


async def test_no_connection_can_read_the_context_of_another(desk: Desk, strangers: Desk) -> None:
    """What pg_stat_activity shows of a person's transaction holds neither the context nor the id, in any role."""
    for role in Role:
        async with desk.database.acting(role, desk.person.identity) as open_scope:
            row = await (await open_scope.connection.execute("select pg_backend_pid()")).fetchone()
            assert row is not None
            async with strangers.database.acting(role, strangers.person.identity) as scope:
                activity = "select string_agg(query, ' ') from pg_stat_activity where usename = user"
                shown = await scope.value(str, activity)
        assert shown is not None
        assert ("pg_backend_pid" in shown) is (role is Role.API), "tools run as the others, whose texts are hidden"
        assert str(desk.person.id) not in shown
        assert f"|{role}|" not in shown


@pytest.mark.parametrize("role", [Role.API, Role.WORKER, Role.EXECUTOR])
async def test_nobody_reads_the_key(login: Login, role: Role) -> None:
    """The key that signs contexts is its owner's alone."""
    connection = await login(role)
    with pytest.raises(InsufficientPrivilege, match="context_keys"):
        await connection.execute("select * from context_keys")


def test_a_context_outlives_every_transaction() -> None:
    """A context is good for five minutes, of which no statement and no idle transaction takes more than one."""
    fields = signed_context(b"k" * 32, Role.API, Identity(uuid4())).split("|")
    assert 270 <= int(fields[4]) - time.time() <= 300
    assert CONTEXT_LIFETIME_SECONDS == 300


def test_the_secret_is_not_printed_and_derives_different_keys() -> None:
    """A secret's text form hides it, and no derived password or key equals another."""
    secret = Secret(b"root of everything")
    derived = [secret.password(role) for role in Role]
    derived += [secret.signing_key().hex(), secret.token_key(), secret.credential_key().hex()]
    assert len(set(derived)) == len(derived)
    assert "root" not in repr(secret)
    assert "root" not in f"{secret}"


async def note_then_untitled_task(scope: Scope) -> None:
    """Do, inside a savepoint, what is allowed and then what is not."""
    async with scope.savepoint():
        await scope.execute("insert into notes (content) values ('undone')")
        await scope.execute("insert into tasks (title) values ('')")


async def test_a_refused_value_leaves_the_transaction_usable(desk: Desk) -> None:
    """What a savepoint undoes is undone alone: the transaction goes on and is stored."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        await scope.execute("insert into notes (content) values ('before')")
        with pytest.raises(StatementRefused):
            await note_then_untitled_task(scope)
        await scope.execute("insert into notes (content) values ('after')")
    assert await desk.count("notes") == 2


async def test_a_statement_that_takes_too_long_leaves_the_transaction_usable(desk: Desk) -> None:
    """A time-out inside a savepoint is named, and the transaction goes on."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        await scope.execute("set local statement_timeout = 20")
        with pytest.raises(StatementTimedOut):
            async with scope.savepoint():
                await scope.execute("select pg_sleep(10)")
        await scope.execute("insert into notes (content) values ('after')")
    assert await desk.count("notes") == 1


async def test_one_prepared_statement_serves_two_people(admin_dsn: str, desk: Desk, strangers: Desk) -> None:
    """On one connection, past the point where Postgres keeps a plan, each person gets their own rows."""
    people: list[tuple[Person, str]] = [(desk.person, "mine"), (strangers.person, "theirs")]
    await desk.add("notes", content="mine")
    await strangers.add("notes", content="theirs")
    narrow = Database(admin_dsn, TEST_SECRET, sizes=dict.fromkeys(Role, 1))
    await narrow.open()
    for _ in range(10):
        for person, content in people:
            async with narrow.acting(Role.EXECUTOR, person.identity) as scope:
                assert await scope.value(str, "select string_agg(content, ',') from notes") == content
    await narrow.close()
