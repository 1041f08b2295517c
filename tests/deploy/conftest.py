"""The running program that the proxies stand in front of."""

from collections.abc import AsyncIterator

import pytest

from persistence.pools import Database
from tests.page.stage import Stage, stage_of


@pytest.fixture(scope="package")
async def stage(database: Database, admin_dsn: str) -> AsyncIterator[Stage]:
    """Give the program, with models that follow a script; gone before other tests."""
    async with stage_of(database, admin_dsn) as started:
        yield started
