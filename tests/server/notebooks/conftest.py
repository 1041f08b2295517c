"""A workbench on the suite's database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from graph.turn import Engine
from persistence.pools import Database
from persistence.queue import Queue
from server.engine import turns_of
from server.notebooks.workbench import Workbench
from server.wiring import Planwright
from tests.conftest import Person
from tests.server.conftest import running


@pytest.fixture
async def planwright(database: Database, engine: Engine, queue: Queue) -> AsyncIterator[Planwright]:
    """Give a running program over the offline model."""
    async with running(database, engine, queue, turns_of(engine)) as started:
        yield started


@pytest.fixture
async def bench(planwright: Planwright, person: Person) -> AsyncIterator[Workbench]:
    """Give the person's workbench."""
    opened = Workbench(planwright, person.id, AsyncExitStack())
    yield opened
    await opened.close()
