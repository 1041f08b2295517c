"""Requests that could be read in two ways, over a raw connection."""

import asyncio
from urllib.parse import urlsplit

import pytest


async def status_line(address: str, request: str) -> str:
    """Send the bytes of a request and return the first line of the answer."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(request.encode())
    line = await reader.readline()
    writer.close()
    return line.decode().strip()


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "planwright.example.org", "[::1]:8000"])
async def test_a_host_is_let_in(address: str, host: str) -> None:
    """Any name or address of a host is accepted: tokens, not names, say who may."""
    request = f"GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n"
    assert await status_line(address, request) == "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "head",
    [
        "Host: example.com/abc?x=\r\n",
        "Host: a b\r\n",
        "Host: \r\n",
        "Host: a\r\nHost: b\r\n",
        "",
        "Host: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
        "Host: a\r\nTransfer-Encoding: gzip\r\n",
    ],
)
async def test_a_request_that_two_servers_could_read_differently_is_refused(address: str, head: str) -> None:
    """A Host that is none or doubled, or a body with two lengths, is 400 before any route."""
    assert (await status_line(address, f"POST /health/live HTTP/1.1\r\n{head}\r\n")).startswith("HTTP/1.1 40")


async def test_a_hidden_second_request_is_not_served(address: str) -> None:
    """A body with a length and in chunks is refused, and what stands behind it is never read as a request."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(
        b"POST /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "path",
    [
        "//api//agent/stream",
        "/api/agent/stream/",
        "/api/agent/stream;x",
        "/api/agent/%2e%2e/agent/runs",
        "/API/agent/runs",
    ],
)
async def test_only_the_documented_paths_exist(address: str, path: str) -> None:
    """A variant of a path is not that path: it is 404, and no way around the token."""
    assert await status_line(address, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n") == "HTTP/1.1 404 Not Found"
