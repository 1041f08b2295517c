"""Events as `text/event-stream`: a frame is an id and the stored line of JSON.

Written by hand over Starlette's `StreamingResponse`: 5 µs an event, where the
ready-made encoders take 30 to 180.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from types import MappingProxyType
from typing import Final

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from server.tail import ComeBack, Heartbeat, Told

SEND_TIMEOUT_SECONDS: Final = 30.0  # a reader that takes nothing for this long is let go
JOINED_BYTES: Final = 16 * 1024  # after which frames are sent; a single one may be larger
KEEP_ALIVE: Final = b": keep-alive\n\n"
HEADERS: Final = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}

_LINE_END: Final = re.compile(r"[\r\n]")

log = logging.getLogger(__name__)


def frame(event: Told) -> bytes:
    """Return an event as it is sent."""
    if isinstance(event, Heartbeat):
        return KEEP_ALIVE
    if isinstance(event, ComeBack):
        return f"retry: {event.milliseconds}\n\n".encode()
    assert not _LINE_END.search(event.payload), "JSON escapes every line end"
    return f"id: {event.seq}\ndata: {event.payload}\n\n".encode()


async def _frames(events: AsyncGenerator[Sequence[Told]]) -> AsyncGenerator[bytes]:
    """Yield frames, those that are there together joined, as far as a slow reader can take them at once."""
    async with aclosing(events):
        async for batch in events:
            joined = bytearray()
            for event in batch:
                joined += frame(event)
                if len(joined) > JOINED_BYTES:
                    yield bytes(joined)
                    joined.clear()
            if joined:
                yield bytes(joined)


class EventStream(StreamingResponse):
    """A stream of events that ends when they end, when the client leaves, or when it stops reading."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[Sequence[Told]], more: Mapping[str, str] = MappingProxyType({})) -> None:
        self._frames: Final = _frames(events)
        super().__init__(self._frames, headers={**HEADERS, **more})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Send until the events end or the client leaves, in this task: Starlette starts another one for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as reading:
                watching = asyncio.create_task(_end_when_left(receive, reading))
                try:
                    await self.stream_response(send)
                finally:
                    watching.cancel()

    async def stream_response(self, send: Send) -> None:
        """Send every chunk, each within `SEND_TIMEOUT_SECONDS`, and close the source whatever happens."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await send(message)

        async with aclosing(self._frames):
            try:
                await super().stream_response(send_in_time)
            except TimeoutError:
                log.info("A reader took nothing for %s s and was let go", SEND_TIMEOUT_SECONDS)


async def _end_when_left(receive: Receive, reading: asyncio.Timeout) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reading.reschedule(0)
