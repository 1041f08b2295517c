"""A server over which whole runs go, by the offline model."""

from collections.abc import AsyncIterator
from typing import Final

import pytest

from graph.turn import Engine
from persistence.pools import Database
from persistence.queue import Queue
from server.client import following
from server.engine import turns_of
from server.tokens import issue_token
from server.wiring import Planwright
from tests.conftest import Person
from tests.server.conftest import TOKEN_KEY, running

WITHOUT_PAUSES: Final = (0.0,) * 6


@pytest.fixture
async def planwright(database: Database, engine: Engine, queue: Queue) -> AsyncIterator[Planwright]:
    """Give a running program over the offline model."""
    async with running(database, engine, queue, turns_of(engine)) as started:
        yield started


@pytest.fixture
def token(person: Person) -> str:
    """Give what signs the person in."""
    return issue_token(TOKEN_KEY, person.id, 1)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have clients come back without a pause."""
    monkeypatch.setattr(following, "PAUSES_SECONDS", WITHOUT_PAUSES)
