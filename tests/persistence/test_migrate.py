"""Bringing a database to the release's schema: again, at once, and when it is not ours to change."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from persistence import migrate as migrating
from persistence.errors import MigrationChanged, SchemaIsNewer
from persistence.migrate import LOGINS, MIGRATE, OWNER, Migration, migrate, migrations
from persistence.scope import DISPATCH, Role
from tests.conftest import TEST_SECRET

NAMES = [migration.name for migration in migrations()]


@contextmanager
def empty_database(server_dsn: str) -> Generator[str]:
    """Give a database with nothing in it."""
    name = Identifier(f"planwright_empty_{uuid4().hex[:12]}")
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(SQL("create database {}").format(name))
        try:
            yield make_conninfo(server_dsn, dbname=name.as_string().strip('"'))
        finally:
            admin.execute(SQL("drop database {} with (force)").format(name))


@pytest.fixture
def fresh(server_dsn: str) -> Generator[str]:
    """Give an empty database of the test's own."""
    with empty_database(server_dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def settled(server_dsn: str) -> Generator[str]:
    """Give a migrated database whose list of migrations the tests of this file may spoil."""
    with empty_database(server_dsn) as dsn:
        migrate(dsn, TEST_SECRET)
        yield dsn


def migrated(dsn: str) -> list[str]:
    """Migrate with the suite's secret: roles belong to every database of a server."""
    return migrate(dsn, TEST_SECRET)


@pytest.mark.parametrize("role", LOGINS)
def test_only_the_queue_answers_before_the_disk_has(settled: str, role: str) -> None:
    """A job that was lost, or that is back, changes nothing about its run; whatever else is stored is on the disk."""
    dsn = make_conninfo(settled, user=role, password=TEST_SECRET.password(role))
    with psycopg.connect(dsn) as connection:
        waits = connection.execute("show synchronous_commit").fetchone()
    assert waits == ("off" if role == DISPATCH else "on",)


def test_the_second_time_there_is_nothing_to_do(fresh: str) -> None:
    """The first run executes every file in order, the second none."""
    assert migrated(fresh) == NAMES
    assert migrated(fresh) == []


def test_files_are_numbered_without_gaps() -> None:
    """Each file's number is one more than that of the file before it."""
    assert [int(name[:4]) for name in NAMES] == list(range(1, len(NAMES) + 1))


def test_four_at_once_all_succeed(fresh: str) -> None:
    """Four servers that start together on an empty database all start; one of them does the work."""
    with ThreadPoolExecutor(4) as starting:
        ran = list(starting.map(migrated, [fresh] * 4))
    assert sorted(ran) == [[], [], [], NAMES]


def test_two_installations_on_one_server_start_at_once(server_dsn: str) -> None:
    """Roles belong to all databases of a server: starts of two databases do not trip over each other's."""
    with ExitStack() as databases, ThreadPoolExecutor(8) as starting:
        dsns = [databases.enter_context(empty_database(server_dsn)) for _ in range(2)]
        ran = list(starting.map(migrated, dsns * 4))
    assert sorted(ran) == [[]] * 6 + [NAMES] * 2


def test_a_changed_file_stops_the_start(settled: str) -> None:
    """A file that differs from the one that ran is named, and nothing is executed."""
    spoil = "update planwright.schema_migrations set checksum = 'x' where name = '0001_access.sql'"
    with spoiled(settled, spoil), pytest.raises(MigrationChanged, match=r"0001_access\.sql"):
        migrated(settled)
    assert migrated(settled) == []


def test_a_database_of_a_newer_release_stops_the_start(settled: str) -> None:
    """A file that this release does not know is named, and nothing is executed."""
    spoil = "insert into planwright.schema_migrations values ('9999_future.sql', 'x')"
    with spoiled(settled, spoil), pytest.raises(SchemaIsNewer, match=r"9999_future\.sql"):
        migrated(settled)
    assert migrated(settled) == []


@contextmanager
def spoiled(dsn: str, statement: str) -> Generator[None]:
    """Change the list of what ran, for a while."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("create table kept_list as select * from planwright.schema_migrations")
        admin.execute(statement.encode())
        try:
            yield
        finally:
            admin.execute("truncate planwright.schema_migrations")
            admin.execute("insert into planwright.schema_migrations select * from kept_list")
            admin.execute("drop table kept_list")


def test_a_file_that_fails_leaves_nothing(settled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file that fails half-way nothing is kept, so that the mended one runs as a whole."""
    broken = Migration("9998_broken.sql", "create table planwright.half_done (id int); select 1 / 0")
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "migrations", lambda: [*migrations(), broken])
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrated(settled)
    with psycopg.connect(settled) as admin:
        assert admin.execute("select to_regclass('planwright.half_done')").fetchone() == (None,)
    assert migrated(settled) == []


def test_no_statement_carries_a_password(fresh: str) -> None:
    """With every statement logged, the log of a migration holds no role's password."""
    with psycopg.connect(fresh, autocommit=True) as admin:
        admin.execute(SQL("alter database {} set log_statement = 'all'").format(Identifier(admin.info.dbname)))
    log = log_of(fresh)
    before = log.stat().st_size
    migrated(fresh)
    written = log.read_text()[before:]
    assert "alter role" in written
    assert [role for role in (MIGRATE, *Role) if TEST_SECRET.password(role) in written] == []


def log_of(dsn: str) -> Path:
    """Return the embedded server's log; the tests cannot read another server's."""
    with psycopg.connect(dsn) as admin:
        row = admin.execute("show data_directory").fetchone()
    assert row is not None
    log = Path(row[0]).with_name("postgres.log")
    if not log.exists():
        pytest.skip("the server's log is elsewhere")
    return log


def test_passwords_are_stored_as_verifiers(admin_dsn: str) -> None:
    """The server holds a SCRAM verifier of each password, and none for the owner, who cannot sign in."""
    with psycopg.connect(admin_dsn) as admin:
        stored: dict[str, str | None] = dict(
            admin.execute("select rolname, rolpassword from pg_authid where rolname ~ '^planwright_'").fetchall()
        )
    assert stored.pop(OWNER) is None
    assert set(stored) == {MIGRATE, *LOGINS}
    assert [role for role, verifier in stored.items() if not str(verifier).startswith("SCRAM-SHA-256$")] == []


def test_the_owner_cannot_sign_in(admin_dsn: str) -> None:
    """Nobody signs in as the owner of the tables."""
    with pytest.raises(psycopg.OperationalError, match=r"not permitted to log in|password authentication failed"):
        psycopg.connect(make_conninfo(admin_dsn, user=OWNER, password="guess"))


def test_a_role_that_was_given_too_much_is_set_right(settled: str) -> None:
    """A role of ours that may create databases or roles may not any more after the next start."""
    with psycopg.connect(settled, autocommit=True) as admin:
        admin.execute("alter role planwright_worker createdb createrole")
        admin.execute("alter role planwright_owner login")
        migrated(settled)
        found = admin.execute(
            "select rolname from pg_roles where rolname ~ '^planwright_' and (rolcreatedb or rolcreaterole)"
            " or rolname = 'planwright_owner' and rolcanlogin"
        ).fetchall()
    assert found == []
