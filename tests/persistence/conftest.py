"""Connections of one login role, past the pools that the program goes through."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from persistence.pools import Database
from persistence.scope import Role
from tests.conftest import TEST_SECRET, Person
from tests.run_rows import Office
from tests.tools.conftest import desk, strangers

__all__ = ["desk", "strangers"]

Login = Callable[[Role], Awaitable[AsyncConnection[TupleRow]]]


@pytest.fixture
async def login(admin_dsn: str) -> AsyncGenerator[Login]:
    """Give connections as a role, outside any transaction and without a context."""
    async with AsyncExitStack() as opened:

        async def connect(role: Role) -> AsyncConnection[TupleRow]:
            dsn = make_conninfo(admin_dsn, user=role, password=TEST_SECRET.password(role))
            return await opened.enter_async_context(await AsyncConnection.connect(dsn, autocommit=True))

        yield connect


@pytest.fixture
def office(database: Database, person: Person) -> Office:
    """Give a person's runs."""
    return Office(database, person)


@pytest.fixture
def strangers_office(database: Database, stranger: Person) -> Office:
    """Give the runs of someone else, whose rows the first must never see."""
    return Office(database, stranger)
