"""One real Postgres for the whole suite, one fresh person for each test, and no way out of this machine.

Row security separates people, so tests share one database and never see each
other's rows. With `PLANWRIGHT_DATABASE_URL` set, the same suite runs on that
server, in a database of its own.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from persistence import embedded
from persistence.migrate import migrate
from persistence.pools import Database
from persistence.scope import Identity, Role, Secret
from tests.egress.watch import Watch
from tests.faults.proxy import Proxy

EGRESS = Watch()
TEST_SECRET = Secret(b"the same for every run of the suite")

settings.register_profile(
    "planwright", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True
)
settings.load_profile("planwright")


def pytest_unconfigure() -> None:
    """Remove what the guard wrote."""
    EGRESS.end()


@pytest.fixture(autouse=True)
def nobody_left() -> Iterator[None]:
    """Fail a test in which this process, or one that it started, tried to leave this machine."""
    yield
    assert EGRESS.attempts() == []


@contextmanager
def empty_server(**more: str) -> Generator[str]:
    """Give an administrator's way to a real server on which nothing of ours was, with more settings if need be."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-tests-"))
    folder.chmod(0o755)
    try:
        with embedded.start(folder / "data", settings={"fsync": "off", **more}) as server:
            yield server.dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """Give an administrator's way to a real server: the named one, else an embedded one."""
    named = os.environ.get("PLANWRIGHT_DATABASE_URL")
    if named:
        yield named
        return
    with empty_server() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def admin_dsn(server_dsn: str) -> Iterator[str]:
    """Give a migrated database of this suite's own, as its administrator."""
    name = f"planwright_test_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(SQL("create database {}").format(Identifier(name)))
    dsn = make_conninfo(server_dsn, dbname=name)
    migrate(dsn, TEST_SECRET)
    yield dsn
    gc.collect()  # a connection that was cancelled while it was made lies in a cycle; the server waits a minute for it
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(SQL("drop database {} with (force)").format(Identifier(name)))


@pytest.fixture(scope="session")
async def database(admin_dsn: str) -> AsyncIterator[Database]:
    """Give the program's own pools on the suite's database."""
    opened = Database(admin_dsn, TEST_SECRET)
    await opened.open()
    yield opened
    await opened.close()


@dataclass(frozen=True)
class Person:
    """A fresh user of the suite's database."""

    id: UUID
    email: str

    @property
    def identity(self) -> Identity:
        """Return the person's identity outside any run."""
        return Identity(self.id)


async def new_person(database: Database, time_zone: str = "Europe/Berlin") -> Person:
    """Sign a new person up."""
    email = f"{uuid4().hex}@example.org"
    async with database.acting(Role.API, Identity(uuid4())) as scope:
        user_id = await scope.value(UUID, "select sign_up(%s, %s)", (email, time_zone))
    assert user_id is not None
    return Person(user_id, email)


@pytest.fixture
async def proxy(admin_dsn: str) -> AsyncIterator[Proxy]:
    """Give a way to the database that can be stopped, or fall silent."""
    opened = Proxy(admin_dsn)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def person(database: Database) -> Person:
    """Give a person with an empty workspace, in Berlin."""
    return await new_person(database)


@pytest.fixture
async def stranger(database: Database) -> Person:
    """Give a second person, whose rows the first must never see."""
    return await new_person(database, "America/New_York")
