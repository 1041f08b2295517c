"""What every answer says to a browser."""

import httpx
import pytest

from server.security_headers import SECURITY_HEADERS
from tests.server.raw import raw_exchange
from tests.server.reading import STREAM


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", STREAM, 200),
        ("GET", "/health/live", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nowhere", 404),
        ("PUT", STREAM, 405),
        ("POST", STREAM, 400),
    ],
)
async def test_every_answer_is_guarded(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """An answer is not sniffed, framed, run, shared or kept, whether it is a success or a refusal."""
    response = await client.request(method, path)
    assert response.status_code == status
    assert {name: response.headers[name] for name, _ in SECURITY_HEADERS} == dict(SECURITY_HEADERS)


async def test_what_is_not_http_is_answered_with_the_same_headers(address: str) -> None:
    """The refusal of noise, which no route ever sees, is guarded too."""
    answer = await raw_exchange(address, b"noise\r\n\r\n")
    assert {name: answer.headers[name.lower()] for name, _ in SECURITY_HEADERS} == dict(SECURITY_HEADERS)


async def test_a_stream_keeps_its_own_rule_for_caches(client: httpx.AsyncClient) -> None:
    """A stream must not be changed on its way either, which its own header says; the other headers are added."""
    response = await client.post(STREAM, json={"message": "Hello"})
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-content-type-options"] == "nosniff"
