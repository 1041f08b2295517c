"""One program for all tests with hostile models in a process."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from persistence.pools import Database
from tests.hostile.house import House, house_of


@pytest.fixture(scope="package")
async def house(database: Database, admin_dsn: str) -> AsyncIterator[House]:
    """Give the running program; gone before other tests, whose silent workers it would take for its own dead."""
    async with house_of(database, admin_dsn, f"hostile {uuid4().hex}") as running:
        yield running
