"""A real HTTP server on a real Postgres, with turns that the test scripts."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from graph.turn import Engine
from persistence.pools import Database
from persistence.queue import Queue, Rhythm
from server.app import HttpServer, serving
from server.engine import engine_of
from server.tail import Hub
from server.tokens import issue_token
from server.wiring import Planwright
from server.worker import Turns, Worker
from tests.conftest import TEST_SECRET, Person
from tests.roomy import ROOMY
from tests.server.reading import signed_in_client
from tests.server.scripted_turns import ScriptedTurns

TOKEN_KEY = "a key for bearer tokens that only this suite knows"
RHYTHM = Rhythm(jobs_at_once=8, heartbeat_seconds=0.2, lease_seconds=2.0, drain_seconds=0.05)


@pytest.fixture(scope="session")
async def engine(database: Database) -> AsyncIterator[Engine]:
    """Give the engine over the offline model."""
    async with engine_of(database, None, None, ROOMY) as built:
        yield built


@pytest.fixture
def script(database: Database) -> ScriptedTurns:
    """Give turns that go on by themselves, unless the test clears `go_on`."""
    turns = ScriptedTurns(database, before=["One, "], after=["two."])
    turns.go_on.set()
    return turns


@pytest.fixture
def queue(admin_dsn: str) -> Queue:
    """Give a queue that nobody else's runs are in."""
    name = f"test {uuid4().hex}"
    return Queue(admin_dsn, TEST_SECRET, name, successor=name)


@asynccontextmanager
async def running(database: Database, engine: Engine, queue: Queue, turns: Turns) -> AsyncGenerator[Planwright]:
    """Give a running program whose worker takes these turns."""
    hub = Hub()
    worker = Worker(database, queue, turns, hub, RHYTHM)
    worker.start()
    yield Planwright(database, engine, worker, hub, TOKEN_KEY, queue.name)
    await worker.stop()


@pytest.fixture
async def planwright(
    database: Database, engine: Engine, script: ScriptedTurns, queue: Queue
) -> AsyncIterator[Planwright]:
    """Give a running program whose worker plays the script."""
    async with running(database, engine, queue, script.turns()) as started:
        yield started
        script.go_on.set()


@pytest.fixture(scope="session")
async def http_server(database: Database, engine: Engine, admin_dsn: str) -> AsyncIterator[HttpServer]:
    """Give an HTTP server for all tests; which program it serves, each says."""
    hub = Hub()
    nobodys = Queue(admin_dsn, TEST_SECRET, "nobody's")
    nobody = Worker(database, nobodys, ScriptedTurns(database, [], []).turns(), hub, RHYTHM)
    async with serving(Planwright(database, engine, nobody, hub, TOKEN_KEY, nobodys.name)) as server:
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
