"""A database that is slow, full or gone: what a client is told, how soon, and that it works again afterwards."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from time import monotonic
from typing import Final

import httpx
import pytest

from persistence.pools import Database
from persistence.scope import Role
from server.app import HttpServer
from server.tokens import issue_token
from server.wiring import Planwright
from tests.conftest import TEST_SECRET, Person
from tests.faults.proxy import Proxy
from tests.server.conftest import TOKEN_KEY
from tests.server.reading import STREAM, refusal, signed_in_client, started, until
from tests.server.scripted_turns import ScriptedTurns

CHECKOUT_SECONDS: Final = 0.5  # the program's own is five
PATIENCE_SECONDS: Final = 15.0
CONNECTIONS: Final = 2
LOOKS: Final = (("GET", STREAM), ("GET", "/api/agent/runs"), ("POST", STREAM))


@pytest.fixture
async def narrow(proxy: Proxy) -> AsyncGenerator[Database]:
    """Give two connections of each role over that way, for which nobody waits long."""
    sizes = dict.fromkeys(Role, CONNECTIONS)
    database = Database(proxy.dsn, TEST_SECRET, sizes=sizes, checkout_timeout_seconds=CHECKOUT_SECONDS)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def visitor(
    http_server: HttpServer, planwright: Planwright, narrow: Database, person: Person
) -> AsyncGenerator[httpx.AsyncClient]:
    """Give somebody who is signed in at a server with these connections."""
    http_server.api.state.planwright = replace(planwright, database=narrow)
    async with signed_in_client(http_server.address, issue_token(TOKEN_KEY, person.id, 1)) as client:
        yield client


async def answers(client: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    """Ask for something; a message, if it is posted."""
    return await client.request(method, path, json={"message": "Hello"} if method == "POST" else None)


async def is_unavailable(client: httpx.AsyncClient) -> None:
    """Hold that whatever needs the database is refused soon, with a time to come back, and that the rest answers."""
    begun = monotonic()
    for method, path in LOOKS:
        answer = await answers(client, method, path)
        assert refusal(answer) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert refusal(await client.get("/health/ready")) == (503, "not_ready")
    assert (await client.get("/health/live")).status_code == 200
    assert monotonic() - begun < PATIENCE_SECONDS


async def is_back(client: httpx.AsyncClient) -> None:
    """Wait until the server is ready, and hold that everything is answered again."""

    async def is_ready() -> bool:
        return (await client.get("/health/ready")).status_code == 200

    await until(is_ready)
    for method, path in LOOKS:
        assert (await answers(client, method, path)).status_code == 200


async def test_connections_taken_by_slow_statements_are_503(
    visitor: httpx.AsyncClient, narrow: Database, person: Person
) -> None:
    """Whoever finds every connection busy is told to come back; meanwhile the process lives and is not ready."""
    async with AsyncExitStack() as busy:
        for _ in range(CONNECTIONS):
            scope = await busy.enter_async_context(narrow.acting(Role.API, person.identity))
            slow = asyncio.create_task(scope.execute("select pg_sleep(1)"))
            busy.push_async_callback(asyncio.wait, [slow])
        await is_unavailable(visitor)
    await is_back(visitor)


async def test_a_database_that_does_not_answer_is_503(visitor: httpx.AsyncClient, proxy: Proxy) -> None:
    """A network that swallows everything, then one that works again: refusals in time, then answers."""
    proxy.freeze()
    await is_unavailable(visitor)
    proxy.thaw()
    await is_back(visitor)


async def test_open_streams_hold_no_connection(visitor: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """More people follow runs than there are connections, and a request is answered beside them."""
    script.go_on.clear()
    run_id, _ = await started(visitor)
    async with AsyncExitStack() as following:
        for _ in range(3 * CONNECTIONS):
            stream = visitor.stream("GET", f"/api/agent/runs/{run_id}/events")
            response = await following.enter_async_context(stream)
            await anext(response.aiter_lines())
        assert (await visitor.get("/api/agent/runs")).status_code == 200
    script.go_on.set()
