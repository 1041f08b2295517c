"""Requests as bytes on a socket: what no HTTP client would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import JsonValue

from tests.server.reading import PATIENCE_SECONDS


@dataclass(frozen=True)
class Answer:
    """What came back until the server hung up or the answer was whole."""

    raw: bytes

    @property
    def status(self) -> int:
        """Return the status; 0 when the server only hung up."""
        return int(self.raw.split(b" ", 2)[1]) if self.raw else 0

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers, their names in lower case."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        """Return what follows the headers, as far as their length goes."""
        body = self.raw.partition(b"\r\n\r\n")[2]
        return body[: int(self.headers.get("content-length", len(body)))]

    @property
    def code(self) -> JsonValue:
        """Return the code of a refusal, which is small and has nothing else in it."""
        body: dict[str, JsonValue] = json.loads(self.body)
        assert set(body) == {"error", "code"}, body
        assert len(self.raw) < 2_000
        return body["code"]


async def raw_exchange(address: str, sent: bytes | AsyncIterator[bytes]) -> Answer:
    """Send bytes, or pieces of them as they are taken, and read until the server hangs up."""
    place = urlsplit(address)
    async with asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        sending = asyncio.create_task(_send(writer, sent))
        try:
            return Answer(await _received(reader))
        finally:
            sending.cancel()
            writer.close()


async def _send(writer: asyncio.StreamWriter, sent: bytes | AsyncIterator[bytes]) -> None:
    with suppress(ConnectionError):  # the server hung up; whoever reads sees that too
        if isinstance(sent, bytes):
            writer.write(sent)
            await writer.drain()
        else:
            async for piece in sent:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)  # `drain` lets nobody read while the kernel takes everything


async def _received(reader: asyncio.StreamReader) -> bytes:
    received = bytearray()
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            received += piece
    return bytes(received)
