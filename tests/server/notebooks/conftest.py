"""A workbench on the suite's database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from graph.turn import Engine
from persistence.pools import Database
from persistence.queue import Queue
from server.engine import turns_of
from server.notebooks.workbench import Workbench
from server.tail import Hub
from server.wiring import Planwright
from server.worker import Worker
from tests.conftest import Person
from tests.server.conftest import RHYTHM, TOKEN_KEY


@pytest.fixture
async def planwright(database: Database, engine: Engine, queue: Queue) -> AsyncIterator[Planwright]:
    """Give a running program over the offline model."""
    hub = Hub()
    worker = Worker(database, queue, turns_of(engine), hub, RHYTHM)
    worker.start()
    yield Planwright(database, engine, worker, hub, TOKEN_KEY, queue.name)
    await worker.stop()


@pytest.fixture
async def bench(planwright: Planwright, person: Person) -> AsyncIterator[Workbench]:
    """Give the person's workbench."""
    opened = Workbench(planwright, person.id, AsyncExitStack())
    yield opened
    await opened.close()
