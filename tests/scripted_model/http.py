"""As much HTTP/1.1 as a model server needs: requests with a length, answers in chunks."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

CONTENT_TYPES = {True: "text/event-stream", False: "application/json"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it was read."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ClientLeft(Exception):
    """The client closed its connection before the answer ended."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One client's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> HttpRequest | None:
        """Return the next request, None when the client has no more."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return HttpRequest(method, path, headers, body)

    async def begin(self, status: int, headers: Iterable[tuple[str, str]], *, streamed: bool) -> None:
        """Write the status and the headers."""
        fields = [("Content-Type", CONTENT_TYPES[streamed]), ("Transfer-Encoding", "chunked"), *headers]
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in fields)]
        await self.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def send(self, block: bytes, *, slice_bytes: int | None) -> None:
        """Write a part of the body, in slices if asked to."""
        size = slice_bytes or len(block)
        for start in range(0, len(block), size):
            piece = block[start : start + size]
            await self.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    async def end(self) -> None:
        """End the body; the connection stays open."""
        await self.write(b"0\r\n\r\n")

    async def write(self, data: bytes) -> None:
        """Write bytes.

        Raises:
            ClientLeft: nobody reads them any more.
        """
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            raise ClientLeft from None

    async def left(self) -> None:
        """Return when the client has closed the connection."""
        try:
            await self.reader.read(1)
        except ConnectionError:
            return
