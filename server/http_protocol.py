"""uvicorn's side of a connection over `httptools`, with the bounds and the words that are ours.

`llhttp` reads HTTP; what it leaves open is closed here. What is not HTTP is refused in our
words, and never in the middle of another answer. A head has `HEAD_SECONDS` and
`HEADERS_MAX_BYTES` to come to its end. The address is shown as it was sent, so that
`server.unambiguous` sees how it was spelled. Fields behind a body are not headers.
"""

from asyncio import AbstractEventLoop, BaseTransport, TimerHandle, Transport
from http import HTTPStatus
from typing import Any, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from server.answers import answered
from server.refusals import BodyRefused
from server.security_headers import SECURITY_HEADERS
from server.unambiguous import HEADERS_MAX_BYTES

HEAD_SECONDS: Final = 30.0  # for the head of a request; a connection that takes longer keeps a place from others
PIPELINED_MAX: Final = 16  # requests that wait on a connection for the one before


class PipelineTooLong(Exception):
    """More requests came at once than a connection may keep waiting."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection, of one request after the other."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_due: TimerHandle | None = None
        self._is_in_head = True
        self._bytes_unread = 0  # since the last that belonged to a body or ended a head
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the first request."""
        super().connection_made(cast("Transport", transport))
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more, and tell whoever works on an answer."""
        self._stop_waiting()
        self._give_up_answer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless what has come so far is too much for a head, or for what is between two chunks."""
        self._bytes_unread += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            if self._asks_for_another_protocol():
                self._read_without_upgrade(data[upgrade.args[0] :])
        except HttpParserError:
            self._refuse("bad_request")
        if self._bytes_unread > HEADERS_MAX_BYTES and not self.transport.is_closing():
            self._refuse("headers_too_large")

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._is_in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, without the blanks around it; what follows a body is left out."""
        if self._is_in_head:
            super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """Begin to answer, or let the request wait for the one before.

        Raises:
            PipelineTooLong: too many wait already.
        """
        if self._asks_for_another_protocol():
            return
        if len(self.pipeline) >= PIPELINED_MAX:
            raise PipelineTooLong
        self._is_in_head, self._bytes_unread = False, 0
        self._stop_waiting()
        asked = self.url
        if not asked.startswith(b"/"):
            self.url = b"/"  # of another server, of all of one, or of none: `raw_path` says that it is not ours
        super().on_headers_complete()
        self.scope["raw_path"] = asked.partition(b"?")[0]

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._bytes_unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._bytes_unread = 0
        if not self._asks_for_another_protocol():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it is here."""
        waiting = bool(self.pipeline)
        super().on_response_complete()
        if not waiting and not self.transport.is_closing():
            self._wait_for_head()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        if cycle.scope["http_version"] == "1.0":
            app = cast("ASGI3Application", Unchunked(cast("ASGIApp", app), cycle))
        super()._start_asgi_task(cycle, app)

    def _asks_for_another_protocol(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _read_without_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it did not ask: `httptools` takes no body of one that does."""
        line = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        kept = [b"%s: %s\r\n" % field for field in self.headers if field[0] not in {b"connection", b"upgrade"}]
        self.parser = HttpRequestParser(self)
        self.data_received(line + b"".join(kept) + b"Connection: close\r\n\r\n" + rest)

    def _refuse(self, code: str) -> None:
        """Refuse and hang up; a whole request before is answered first, one that is half here is not."""
        answering = self._answering
        if answering is not None and not answering.response_complete:
            if not answering.more_body:
                answering.keep_alive = False
                self.pipeline.clear()
                self.flow.pause_reading()
                return
            self._give_up_answer()
        if answering is None or answering.response_complete or not answering.response_started:
            self.transport.write(_in_bytes(code))
        self.transport.close()

    def _give_up_answer(self) -> None:
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._head_due = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None


class Unchunked:
    """ASGI middleware for HTTP/1.0, which knows no chunks: an answer without a length ends with its connection."""

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle) -> None:
        self._app: Final = app
        self._cycle: Final = cycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back as it is, however long it gets."""
        cycle, has_length = self._cycle, True

        async def send_unchunked(message: Message) -> None:
            nonlocal has_length
            if message["type"] == "http.response.start":
                has_length = "content-length" in Headers(raw=message["headers"])
                cycle.chunked_encoding = None if has_length else False
            elif not has_length:
                cycle.expected_content_length = len(message["body"])
            await send(message)

        await self._app(scope, receive, send_unchunked)


def _in_bytes(code: str) -> bytes:
    refusal = answered(BodyRefused(code))
    ours = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS]
    fields = [*refusal.raw_headers, *ours]
    status = HTTPStatus(refusal.status_code)
    head = b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode())
    return head + b"".join(b"%s: %s\r\n" % field for field in fields) + b"\r\n" + bytes(refusal.body)
