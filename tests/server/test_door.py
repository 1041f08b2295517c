"""The bytes of a body, over HTTP."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from server import door
from server.door import BODY_MAX_BYTES
from tests.server.reading import STREAM, refusal

JSON = {"Content-Type": "application/json"}


async def test_an_empty_body_is_asked_for(client: httpx.AsyncClient) -> None:
    """No body at all is 400, with or without a content type."""
    assert refusal(await client.post(STREAM)) == (400, "body_required")
    assert refusal(await client.post(STREAM, headers=JSON)) == (400, "body_required")


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
async def test_only_json_is_taken(client: httpx.AsyncClient, kind: str) -> None:
    """Any other content type is 415."""
    response = await client.post(STREAM, content=b'{"message":"a"}', headers={"Content-Type": kind})
    assert refusal(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, identity"])
async def test_a_coded_body_is_not_unpacked(client: httpx.AsyncClient, coding: str) -> None:
    """A body that would have to be unpacked is 415, so no bomb is ever opened."""
    headers = JSON | {"Content-Encoding": coding}
    response = await client.post(STREAM, content=gzip.compress(b'{"message":"a"}'), headers=headers)
    assert refusal(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("size", [BODY_MAX_BYTES + 1, 10_000_000])
async def test_a_body_that_is_too_large_is_not_parsed(client: httpx.AsyncClient, size: int) -> None:
    """One byte over the cap, or 10 MB: 413 in a small answer."""
    response = await client.post(STREAM, content=b'{"message":"' + b"a" * size + b'"}', headers=JSON)
    assert refusal(response) == (413, "body_too_large")
    assert len(response.content) < 200


async def test_a_body_without_a_length_is_stopped_at_the_cap(client: httpx.AsyncClient) -> None:
    """Chunks are counted as they come, and the connection is closed."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"a" * 65_536

    response = await client.post(STREAM, content=endless(), headers=JSON)
    assert refusal(response) == (413, "body_too_large")
    assert response.headers["connection"] == "close"


async def test_a_body_that_does_not_come_is_given_up(
    address: str, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that stops in the middle is answered 408 when its time is over."""
    monkeypatch.setattr(door, "BODY_SECONDS", 0.2)
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = f"POST {STREAM} HTTP/1.1\r\nHost: a\r\nAuthorization: {client.headers['authorization']}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer
