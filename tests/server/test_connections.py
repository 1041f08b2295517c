"""What stands behind a request on its connection, and how much a connection may keep waiting."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from server.http_protocol import PIPELINED_MAX
from server.wiring import Planwright
from tests.server.raw import raw_exchange
from tests.server.reading import STREAM, until
from tests.server.scripted_turns import ScriptedTurns

LIVE = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
NONSENSE = b"\0nonsense\r\n\r\n"
MESSAGE = b'{"message":"Hello"}'
OK = b"HTTP/1.1 200 OK"


def message_of(client: httpx.AsyncClient) -> bytes:
    """Return a whole message, on a connection that may be used again."""
    head = f"POST {STREAM} HTTP/1.1\r\nHost: a\r\nAuthorization: {client.headers['authorization']}\r\n"
    fields = f"Content-Type: application/json\r\nContent-Length: {len(MESSAGE)}\r\n\r\n"
    return (head + fields).encode() + MESSAGE


async def test_requests_that_come_at_once_are_answered_in_order(address: str, client: httpx.AsyncClient) -> None:
    """A stream is told to its end before the request behind it is answered."""
    raw = (await raw_exchange(address, message_of(client) + LAST)).raw
    streamed, _, alive = raw.partition(b'"type":"done"')
    assert (streamed.count(OK), alive.count(OK)) == (1, 1)


async def test_what_is_no_request_does_not_spoil_the_answer_before_it(address: str, client: httpx.AsyncClient) -> None:
    """A whole message is answered to its end, whatever follows it; then the connection is closed."""
    raw = (await raw_exchange(address, message_of(client) + NONSENSE + LIVE)).raw
    assert raw.count(b"HTTP/1.1") == 1
    assert b'"type":"done"' in raw


async def test_what_is_no_request_is_refused_on_a_connection_that_was_used(address: str) -> None:
    """Behind an answer that is whole, it gets the refusal that it gets on a new connection."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(LIVE)
    await reader.readuntil(b'"live"}')
    writer.write(NONSENSE)
    assert (await reader.read()).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    writer.close()


async def test_a_connection_keeps_few_requests_waiting(address: str) -> None:
    """Those that come at once past the bound are not answered, nor those before them that had to wait."""
    whole = (await raw_exchange(address, LIVE * PIPELINED_MAX + LAST)).raw
    cut = (await raw_exchange(address, LIVE * (PIPELINED_MAX + 2) + LAST)).raw
    assert (whole.count(OK), cut.count(OK)) == (PIPELINED_MAX + 1, 1)


async def test_whoever_leaves_leaves_their_stream(
    address: str, client: httpx.AsyncClient, script: ScriptedTurns, planwright: Planwright
) -> None:
    """A stream whose reader is gone is let go, even with another request of theirs behind it."""
    script.go_on.clear()
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(message_of(client) + LIVE)
    await reader.readuntil(b'"type":"session"')

    async def nobody_reads() -> bool:
        return len(planwright.hub) == 0

    assert not await nobody_reads()
    writer.close()
    await until(nobody_reads)
    script.go_on.set()


@pytest.mark.parametrize(
    ("head", "piece", "status"),
    [
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\nX-A: ", b"a", 431),
        (b"GET /", b"a", 431),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\n", b"X-A: b\r\n", 431),
        (b"POST /health/live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a", 405),
        (b"POST /health/live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: ", b"b", 405),
    ],
    ids=["header", "address", "headers", "extension of a chunk", "field behind the body"],
)
async def test_nothing_but_a_body_may_go_on_and_on(address: str, head: bytes, piece: bytes, status: int) -> None:
    """Heads, and what surrounds the pieces of a body, are read up to a bound, then the connection is closed."""

    async def endless() -> AsyncIterator[bytes]:
        yield head
        while True:
            yield piece * 1_000

    assert (await raw_exchange(address, endless())).status == status
