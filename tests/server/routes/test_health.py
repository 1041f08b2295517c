"""`/health` and the schemas, over HTTP."""

import httpx
import pytest

from nodes.vocabulary.events import EVENT
from persistence.errors import DatabaseUnavailable
from persistence.pools import Database
from persistence.record import users
from server.wiring import Planwright
from tests.server.reading import STREAM, refusal


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
    response = await client.get(STREAM)
    assert refusal(response) == (503, "database_unavailable")
    assert int(response.headers["retry-after"]) >= 1
    assert refusal(await client.get("/health/ready")) == (503, "not_ready")
    assert (await client.get("/health/live")).status_code == 200


async def test_the_events_have_a_schema(client: httpx.AsyncClient) -> None:
    """The schema of the events is served, and stands in the API's own as well."""
    schema = (await client.get("/api/agent/events.schema.json")).json()
    api = (await client.get("/openapi.json")).json()
    assert schema == EVENT.json_schema(mode="serialization")
    assert len(schema["oneOf"]) == 12
    schemas = api["components"]["schemas"]
    assert {"Event", "Ask", "SessionChange", "Done", "Trace"} <= set(schemas)
    stream = api["paths"][STREAM]["post"]
    assert stream["responses"]["200"]["content"] == {
        "text/event-stream": {"schema": {"$ref": "#/components/schemas/Event"}}
    }
    assert stream["requestBody"]["content"]["application/json"]["schema"]["$ref"] in {
        f"#/components/schemas/{name}" for name in schemas
    }


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", (404, "not_found")),
        ("GET", "/docs", (404, "not_found")),
        ("PUT", STREAM, (405, "method_not_allowed")),
        ("POST", "/health/live", (405, "method_not_allowed")),
    ],
)
async def test_what_is_not_there_is_refused_in_our_words(
    client: httpx.AsyncClient, method: str, path: str, expected: tuple[int, str]
) -> None:
    """The framework's own refusals look like all others."""
    assert refusal(await client.request(method, path)) == expected
