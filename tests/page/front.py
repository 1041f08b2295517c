"""What stands between a browser and the server: a TCP proxy that a test can cut, close, or lead to another server."""

import asyncio
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

CHUNK_BYTES: Final = 65536


class Front:
    """Passes bytes on to `upstream`, from an address that stays the same."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.cut_after_bytes: int | None = None
        self.address = ""
        self._server: asyncio.Server | None = None
        self._links: Final[set[asyncio.StreamWriter]] = set()

    async def open(self) -> None:
        """Listen on a free port, or again on the one from before."""
        port = urlsplit(self.address).port or 0
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", port)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Refuse new connections and break those there are."""
        assert self._server is not None, "it was opened"
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection, as a network does."""
        for link in list(self._links):
            link.transport.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = urlsplit(self.upstream)
        try:
            to_server = await asyncio.open_connection(at.hostname, at.port)
        except OSError:
            writer.transport.abort()
            return
        links = {writer, to_server[1]}
        self._links.update(links)
        try:
            await asyncio.gather(self._pass(reader, to_server[1]), self._pass(to_server[0], writer, back=True))
        finally:
            self._links.difference_update(links)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool = False) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if back and self._is_spent(len(chunk)):
                    self.cut()
                    return
                writer.write(chunk)
                await writer.drain()
            writer.close()

    def _is_spent(self, size: int) -> bool:
        """Count what is passed back, while a test wants it cut after so much; then the next goes through again."""
        if self.cut_after_bytes is None:
            return False
        self.cut_after_bytes -= size
        if self.cut_after_bytes > 0:
            return False
        self.cut_after_bytes = None
        return True
