"""The planner's answer on its way to the person: text deltas gathered into `text` events.

The first delta goes out at once. After it, a delta goes out when the last event
is `GATHER_SECONDS` old, so a fast model costs some twenty commits a second.
"""

import time
from collections.abc import Callable
from typing import Final

from nodes.vocabulary.context import Context
from nodes.vocabulary.events import Event, TextSaid
from persistence.scope import Scope

GATHER_SECONDS: Final = 0.05  # below what an eye notices
EVENT_CHARS: Final = 6_000  # keeps an event below 32 KB whatever its characters and escapes

Introduce = Callable[[], tuple[str, Event] | None]


class AnswerStream:
    """The text of one model call, streamed. `introduce` gives the event that must come before the first text."""

    def __init__(self, context: Context, place: str, *, introduce: Introduce, lead: str = "") -> None:
        self._context: Final = context
        self._place: Final = f"text:{place}:{context.identity.attempt}"
        self._introduce: Final = introduce
        self._held = [lead] if lead else []
        self._sent_at = 0.0
        self._events = 0

    @property
    def started(self) -> bool:
        """Say whether anything was sent."""
        return self._events > 0

    async def tell(self, text: str) -> None:
        """Take a delta; send what is held when it is time."""
        self._held.append(text)
        if time.monotonic() - self._sent_at >= GATHER_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Send what is held."""
        text = "".join(self._held)
        if not text.strip() and not self.started:
            return
        self._held.clear()
        if text:
            async with self._context.writing() as scope:
                await self._send(scope, text)
        self._sent_at = time.monotonic()

    async def _send(self, scope: Scope, text: str) -> None:
        first = None if self.started else self._introduce()
        pieces = [text[at : at + EVENT_CHARS] for at in range(0, len(text), EVENT_CHARS)]
        keyed = [(f"{self._place}:{self._events + place}", TextSaid(content=piece)) for place, piece in enumerate(pieces)]
        await self._context.log.emit(scope, *([first] if first else []), *keyed)
        self._events += len(pieces)


