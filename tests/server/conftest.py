"""A real HTTP server on a real Postgres, with turns that the test scripts."""

from collections.abc import AsyncIterator

import httpx
import pytest

from graph.turn import Engine
from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from server.app import HttpServer, serving
from server.engine import engine_of
from server.tail import Hub
from server.tokens import issue_token
from server.wiring import Planwright
from server.worker import Pace, Worker
from tests.conftest import Person
from tests.server.reading import signed_in_client
from tests.server.scripted_turns import ScriptedTurns

TOKEN_KEY = "a key for bearer tokens that only this suite knows"
PACE = Pace(lease_seconds=2.0, heartbeat_seconds=0.2, runs_at_once=8)


@pytest.fixture(scope="session")
async def engine(database: Database) -> AsyncIterator[Engine]:
    """Give the engine over the offline model."""
    async with engine_of(database, None, None, Limits()) as built:
        yield built


@pytest.fixture
def script(database: Database) -> ScriptedTurns:
    """Give turns that go on by themselves, unless the test clears `go_on`."""
    turns = ScriptedTurns(database, before=["One, "], after=["two."])
    turns.go_on.set()
    return turns


@pytest.fixture
async def planwright(database: Database, engine: Engine, script: ScriptedTurns) -> AsyncIterator[Planwright]:
    """Give a running program whose worker plays the script."""
    hub = Hub()
    worker = Worker(database, script.turns(), hub, PACE)
    yield Planwright(database, engine, worker, hub, TOKEN_KEY)
    script.go_on.set()
    await worker.stop()


@pytest.fixture(scope="session")
async def http_server(database: Database, engine: Engine) -> AsyncIterator[HttpServer]:
    """Give an HTTP server for all tests; which program it serves, each says."""
    hub = Hub()
    nobody = Worker(database, ScriptedTurns(database, [], []).turns(), hub, PACE)
    async with serving(Planwright(database, engine, nobody, hub, TOKEN_KEY)) as server:
        yield server


@pytest.fixture
async def address(http_server: HttpServer, planwright: Planwright) -> str:
    """Give the URL of an HTTP server over this test's program."""
    http_server.api.state.planwright = planwright
    return http_server.address


@pytest.fixture
async def client(address: str, person: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Give an HTTP client that is signed in as the person."""
    async with signed_in_client(address, issue_token(TOKEN_KEY, person.id, 1)) as signed_in:
        yield signed_in


@pytest.fixture
async def strangers_client(address: str, stranger: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Give an HTTP client that is signed in as somebody else."""
    async with signed_in_client(address, issue_token(TOKEN_KEY, stranger.id, 1)) as signed_in:
        yield signed_in
