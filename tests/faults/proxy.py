"""One process's way to Postgres: a TCP proxy that can lose, hold and cut what passes it."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.faults.tripwire import Statement, Tripwire
from tests.faults.wire import CANCEL_REQUEST, ERROR, READY, Messages, Statements, sqlstate_of, startup_of

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_BYTES: Final = 65536
SOCKET_NAME: Final = ".s.PGSQL"


class Proxy:
    """Passes the connections of one process on to the server of `dsn`.

    `frozen`: nothing passes in either direction, and no connection ends, until
    `thaw`. A process that is killed meanwhile still ends its connections.
    `delay_seconds`: how long each packet of the client's is on its way.
    `errors` and `texts`: the code of every error, and each different statement, that came by.
    `overheard` is called with everything that the server says.
    """

    def __init__(self, dsn: str) -> None:
        self.upstream = dsn
        self.frozen = False
        self.delay_seconds = 0.0
        self.tripwire: Tripwire | None = None
        self.overheard: Callable[[bytes], None] | None = None
        self.errors: Final[list[str]] = []
        self.texts: Final[set[str]] = set()
        self._links: Final[set[_Link]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)

    async def close(self) -> None:
        """End every connection and listen no more."""
        assert self._server is not None, "it was opened"
        self._server.close()
        self.cut()

    @property
    def dsn(self) -> str:
        """Return the conninfo that leads through here."""
        assert self._server is not None, "it was opened"
        port = self._server.sockets[0].getsockname()[1]
        return make_conninfo(self.upstream, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")

    def freeze(self) -> None:
        """Let nothing pass any more, whatever is sent."""
        self.frozen = True

    def thaw(self) -> None:
        """Break what was frozen; new connections pass."""
        self.frozen = False
        self.cut()

    def go_dark(self) -> None:
        """Make every connection there is half-open: it neither passes anything nor ends. New ones pass."""
        for link in self._links:
            link.dark = True

    def cut(self) -> None:
        """Break every connection, as a network does."""
        for link in self._links:
            link.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, reader, writer)
        self._links.add(link)
        try:
            await link.run()
        except (ConnectionError, OSError, asyncio.IncompleteReadError):
            return
        finally:
            link.abort()
            self._links.discard(link)


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy: Final = proxy
        self._reader: Final = reader
        self._writer: Final = writer
        self._up: asyncio.StreamWriter | None = None
        self.dark = False
        self._role = ""
        self._earlier: list[str] = []
        self._unanswered: Final[deque[Statement | None]] = deque()

    def abort(self) -> None:
        """Break both halves."""
        for writer in (self._writer, self._up):
            if writer is not None:
                writer.transport.abort()

    async def run(self) -> None:
        """Pass bytes until either side ends."""
        packet = await self._startup()
        up_reader, self._up = await _connected(self._proxy.upstream)
        self._up.write(packet)
        halves = [asyncio.ensure_future(self._to_server(self._up)), asyncio.ensure_future(self._to_client(up_reader))]
        try:
            await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for half in halves:
                half.cancel()
            with suppress(ConnectionError, asyncio.CancelledError):
                await asyncio.gather(*halves)

    async def _startup(self) -> bytes:
        size = await self._reader.readexactly(4)
        rest = await self._reader.readexactly(int.from_bytes(size, "big") - 4)
        if int.from_bytes(rest[:4], "big") != CANCEL_REQUEST:
            self._role = startup_of(rest)["user"]
        return size + rest

    async def _to_server(self, up: asyncio.StreamWriter) -> None:
        messages, statements = Messages(), Statements()
        while data := await self._reader.read(CHUNK_BYTES):
            await asyncio.sleep(self._proxy.delay_seconds)
            for message in messages.feed(data):
                if (sent := statements.add(message)) is None:
                    continue
                if sent.sql is not None:
                    self._unanswered.append(self._counted(sent.sql))
                if not self._is_silent:
                    up.write(sent.raw)
            await up.drain()

    async def _to_client(self, up_reader: asyncio.StreamReader) -> None:
        messages = Messages()
        while data := await up_reader.read(CHUNK_BYTES):
            if self._proxy.overheard is not None:
                self._proxy.overheard(data)
            for message in messages.feed(data):
                self._note(message)
            if not self._is_silent:
                self._writer.write(data)
                await self._writer.drain()
        if self._is_silent:  # the client hears of no end either
            await asyncio.Event().wait()

    @property
    def _is_silent(self) -> bool:
        return self.dark or self._proxy.frozen

    def _counted(self, sql: str) -> Statement | None:
        self._proxy.texts.add(sql)
        wire = self._proxy.tripwire
        statement = None
        if wire is not None:
            statement = wire.sent(self._proxy, self._role, sql, tuple(self._earlier))
        self._earlier.append(sql)
        if sql.lower().endswith(("commit", "rollback")):
            self._earlier.clear()
        return statement

    def _note(self, message: bytes) -> None:
        """Take note of errors, and of each answer's end."""
        if message[:1] == ERROR:
            self._proxy.errors.append(sqlstate_of(message))
        if message[:1] == READY and self._unanswered:
            statement = self._unanswered.popleft()
            if statement is not None and self._proxy.tripwire is not None:
                self._proxy.tripwire.answered(self._proxy, statement)


async def _connected(dsn: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = conninfo_to_dict(dsn)
    host, port = str(where["host"]), str(where["port"])
    if host.startswith("/"):
        return await asyncio.open_unix_connection(f"{host}/{SOCKET_NAME}.{port}")
    return await asyncio.open_connection(host, int(port))
