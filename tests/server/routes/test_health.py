"""`/health` and the schemas, over HTTP."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import uuid4

import httpx
import psycopg
import pytest

from nodes.vocabulary.events import EVENT
from persistence.errors import DatabaseUnavailable
from persistence.migrate import migrations
from persistence.pools import POOL_SIZE, Database
from persistence.record import users
from persistence.scope import Identity, Role, Scope
from persistence.standing import Standing, standing
from server import readiness
from server.wiring import Planwright
from server.worker import Worker
from tests.server.reading import STREAM, refusal, until

SOUND = Standing(
    writable=True,
    migrations=[migration.name for migration in migrations()],
    waiting=0,
    oldest_seconds=0.0,
    workers=1,
)


async def test_a_server_says_that_it_lives_and_is_ready(address: str) -> None:
    """Both questions need no token."""
    async with httpx.AsyncClient(base_url=address) as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert (live.json(), ready.json()) == ({"status": "live"}, {"status": "ready"})


async def test_a_stopping_server_is_live_and_not_ready(address: str, planwright: Planwright) -> None:
    """While it drains, a server asks the balancer to send people elsewhere."""
    planwright.stopping.set()
    async with httpx.AsyncClient(base_url=address) as client:
        assert (await client.get("/health/live")).status_code == 200
        assert refusal(await client.get("/health/ready")) == (503, "not_ready")


async def test_without_a_database_a_server_says_so(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away, everything but `live` is 503 with a time to come back."""

    async def away(*_: object) -> bool:
        raise DatabaseUnavailable

    monkeypatch.setattr(users, "may_sign_in", away)
    monkeypatch.setattr(readiness, "standing", away)
    response = await client.get(STREAM)
    assert refusal(response) == (503, "database_unavailable")
    assert int(response.headers["retry-after"]) >= 1
    assert refusal(await client.get("/health/ready")) == (503, "not_ready")
    assert (await client.get("/health/live")).status_code == 200


@pytest.mark.parametrize(
    ("stands", "sentence"),
    [
        pytest.param(replace(SOUND, writable=False), "The database takes no writes.", id="a standby"),
        pytest.param(replace(SOUND, migrations=[]), "The database’s schema is of an older release.", id="not migrated"),
        pytest.param(
            replace(SOUND, oldest_seconds=301.0), "Runs wait too long for a worker.", id="a queue that stands"
        ),
    ],
)
async def test_a_server_is_ready_when_a_message_would_be_answered(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, stands: Standing, sentence: str
) -> None:
    """A database that takes no writes, an old schema or a queue that stands make it not ready; it says which."""

    async def standing(scope: Scope, queue: str, lease_seconds: float) -> Standing:
        return stands

    monkeypatch.setattr(readiness, "standing", standing)
    response = await client.get("/health/ready")
    assert refusal(response) == (503, "not_ready")
    assert response.json()["error"] == sentence


async def test_a_schema_of_a_newer_release_is_no_fault(
    client: httpx.AsyncClient, admin_dsn: str, database: Database
) -> None:
    """While a deploy rolls, servers of the old release stay ready on the new schema."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute("insert into planwright.schema_migrations (name, checksum) values ('9999_next.sql', '')")
        try:
            assert (await client.get("/health/ready")).status_code == 200
        finally:
            admin.execute("delete from planwright.schema_migrations where name = '9999_next.sql'")


async def test_a_worker_without_a_sign_of_life_is_not_ready(
    client: httpx.AsyncClient, planwright: Planwright, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that should work and has not beaten for a whole lease sends people elsewhere."""
    await until(lambda: _has_beaten(planwright))
    monkeypatch.setattr(Worker, "lease_seconds", 0.0)
    assert refusal(await client.get("/health/ready")) == (503, "not_ready")


async def _has_beaten(planwright: Planwright) -> bool:
    return not planwright.worker.is_silent


async def test_an_exhausted_pool_is_live_and_not_ready(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While every connection is held, `live` answers at once, and `ready` says no within its time."""
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.2)
    async with AsyncExitStack() as held:
        for _ in range(POOL_SIZE[Role.API]):
            await held.enter_async_context(database.acting(Role.API, Identity(uuid4())))
        assert refusal(await client.get("/health/ready")) == (503, "not_ready")
        assert (await client.get("/health/live")).status_code == 200
    await until(lambda: _is_ready(client))


async def _is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200


async def test_many_who_ask_are_one_question(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask whether a server is ready, so the database is asked once a second at most."""
    asked = 0

    async def counted(scope: Scope, queue: str, lease_seconds: float) -> Standing:
        nonlocal asked
        asked += 1
        return await standing(scope, queue, lease_seconds)

    monkeypatch.setattr(readiness, "standing", counted)
    monkeypatch.setattr(readiness, "FRESH_SECONDS", 60.0)
    await asyncio.gather(*(client.get("/health/ready") for _ in range(20)))
    assert asked == 1


async def test_the_events_have_a_schema(client: httpx.AsyncClient) -> None:
    """The schema of the events is served, and stands in the API's own as well."""
    schema = (await client.get("/api/agent/events.schema.json")).json()
    api = (await client.get("/openapi.json")).json()
    assert schema == EVENT.json_schema(mode="serialization")
    assert len(schema["oneOf"]) == 12
    schemas = api["components"]["schemas"]
    assert {"Event", "Ask", "SessionChange", "Done", "Trace"} <= set(schemas)
    stream = api["paths"][STREAM]["post"]
    content = stream["responses"]["200"]["content"]
    assert list(content) == ["text/event-stream"]
    assert content["text/event-stream"]["schema"] == {"$ref": "#/components/schemas/Event"}
    assert stream["requestBody"]["content"]["application/json"]["schema"]["$ref"] in {
        f"#/components/schemas/{name}" for name in schemas
    }


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nowhere", (404, "not_found")),
        ("GET", "/redoc", (404, "not_found")),
        ("PUT", STREAM, (405, "method_not_allowed")),
        ("POST", "/health/live", (405, "method_not_allowed")),
    ],
)
async def test_what_is_not_there_is_refused_in_our_words(
    client: httpx.AsyncClient, method: str, path: str, expected: tuple[int, str]
) -> None:
    """The framework's own refusals look like all others."""
    assert refusal(await client.request(method, path)) == expected
