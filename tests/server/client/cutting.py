"""A way to a server over which connections break, each behind a chosen number of events."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CHUNK_BYTES = 65536
END_OF_FRAME = b"\n\n"  # none is in a head, whose lines end with CR LF


@dataclass
class Cutting:
    """Passes connections on to the server at `upstream`; that may change while it does.

    `allowed` says how many frames the connection with a number (from 0) may still bring;
    None lets it live. `requests` are the first lines of what was asked, in order.
    """

    upstream: str
    allowed: Callable[[int], int | None]
    address: str = ""
    requests: list[str] = field(default_factory=list[str])
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    def cut(self) -> None:
        """Break every connection that there is."""
        for writer in self._writers:
            writer.transport.abort()

    async def accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until it ends or was allowed no more."""
        frames_left = self.allowed(len(self.requests))
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode().partition(" HTTP")[0])
            url = urlsplit(self.upstream)
            up_reader, up = await asyncio.open_connection(url.hostname, url.port)
            up.write(head)
            self._writers |= {writer, up}
            sending = asyncio.create_task(_pass_on(reader, up))
            await _pass_frames(up_reader, writer, frames_left)
            sending.cancel()
            self._writers -= {writer, up}
            up.transport.abort()
        writer.transport.abort() if frames_left is not None else writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)


async def _pass_frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None) -> None:
    passed = b""
    while data := await reader.read(CHUNK_BYTES):
        passed += data
        if left is not None and passed.count(END_OF_FRAME) >= left:
            data = data[: len(data) - _surplus(passed, left)]
            writer.write(data)
            await writer.drain()
            return
        writer.write(data)
        await writer.drain()


def _surplus(passed: bytes, frames: int) -> int:
    """Return how many bytes lie behind so many frames; with none, everything but the head is too much."""
    end = passed.find(b"\r\n\r\n") + 4
    for _ in range(frames):
        end = passed.index(END_OF_FRAME, end) + len(END_OF_FRAME)
    return len(passed) - end


@asynccontextmanager
async def cutting(
    upstream: str, allowed: Callable[[int], int | None] = lambda _number: None
) -> AsyncGenerator[Cutting]:
    """Open a way to a server on a free port."""
    way = Cutting(upstream, allowed)
    server = await asyncio.start_server(way.accepted, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    way.address = f"http://{host}:{port}"
    async with server:
        yield way
