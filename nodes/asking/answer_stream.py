"""The planner's answer on its way to the person: text deltas gathered into `text` events.

The first delta goes out at once. After it, what has come goes out when the last event
is `GATHER_SECONDS` old, also when the model says no more for a while; so a fast model
costs some twenty commits a second. What could become an image or a link does not leave
as one: `nodes/asking/harmless.py`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from nodes.asking.harmless import Harmless, harmless
from nodes.asking.last_words import written_down
from nodes.vocabulary.context import Context
from nodes.vocabulary.events import Event, TextSaid
from persistence.errors import PersistenceError
from persistence.runs import events
from persistence.runs.events import Streamed
from persistence.scope import Scope
from persistence.text import says_nothing

GATHER_SECONDS: Final = 0.05  # below what an eye notices
EVENT_CHARS: Final = 5_000  # keeps an event below 32 KB: a control character takes six bytes in JSON

PARAGRAPH: Final = "\n\n"
CUT_OFF: Final = "\n\n(The answer reached the model's length limit and ends here.)"
AGAIN: Final = "\n\n(There was an interruption; the answer starts again.)\n\n"

Introduce = Callable[[], tuple[str, Event] | None]


class AnswerStream:
    """The text of one model call, streamed. `introduce` gives the event that must come before the first text."""

    def __init__(self, context: Context, place: str, introduce: Introduce | None = None) -> None:
        self._context: Final = context
        self._place: Final = f"text:{place}:"
        self._introduce: Final = introduce
        self._harmless: Final = Harmless(context.link_hosts)
        self._held: list[str] = []
        self._beginning: tuple[str, list[tuple[str, Event]]] | None = None
        self._sent_at = 0.0
        self._events = 0
        self._sending: Final = asyncio.Lock()
        self._late: asyncio.Task[None] | None = None

    @property
    def started(self) -> bool:
        """Say whether anything was sent."""
        return self._events > 0

    async def tell(self, text: str) -> None:
        """Take a delta, inside of `kept`; see to it that it goes out in time."""
        self.add(text)
        if not self.started:
            await self._send_held()
        elif self._late is None or self._late.done():
            if self._late is not None:
                self._late.result()
            self._late = asyncio.create_task(self._send_when_due())

    async def flush(self) -> None:
        """Send what is left: nothing more comes of what the model is saying."""
        self._held.append(self._harmless.rest())
        await self._send_held()

    async def flush_in(self, scope: Scope) -> None:
        """Send what is left in the caller's transaction."""
        self._held.append(self._harmless.rest())
        await self._send(scope)

    def add(self, text: str) -> None:
        """Take a delta that is sent with the next."""
        self._held.append(self._harmless.take(text))

    async def _send_held(self) -> None:
        """Send what is held; blank text waits for the first word."""
        async with self._sending:
            if self._due():
                async with self._context.writing() as scope:
                    await self._send(scope)

    async def _send_when_due(self) -> None:
        await asyncio.sleep(self._sent_at + GATHER_SECONDS - time.monotonic())
        await self._send_held()

    def _due(self) -> str:
        text = "".join(self._held)
        return "" if not self.started and says_nothing(text) else text

    def _was_sent(self, pieces: Sequence[str], deltas: int) -> None:
        self._context.memory.keep_text(self._place, "".join(pieces))
        self._events += len(pieces)
        del self._held[:deltas]
        self._sent_at = time.monotonic()

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None]:
        """Show what has come, to the last word, when the turn is cancelled inside."""
        try:
            yield
        except asyncio.CancelledError:
            with suppress(PersistenceError):
                await written_down(self.flush())
            raise
        finally:
            if self._late is not None:
                self._late.cancel()
                await asyncio.gather(self._late, return_exceptions=True)

    async def _send(self, scope: Scope) -> None:
        """Append what is held to the log, if there is something. Sent again, its keys are passed over."""
        if not self._due():
            return
        if self._beginning is None:
            self._beginning = await self._begin(scope)
        text, deltas = self._due(), len(self._held)
        lead, introduction = ("", []) if self.started else self._beginning
        text = lead + text
        pieces = [text[at : at + EVENT_CHARS] for at in range(0, len(text), EVENT_CHARS)]
        keyed = [(self._key(self._events + place), TextSaid(content=piece)) for place, piece in enumerate(pieces)]
        self._context.log.emit(scope, *introduction, *keyed)
        scope.after_commit(partial(self._was_sent, pieces, deltas))

    async def _begin(self, scope: Scope) -> tuple[str, list[tuple[str, Event]]]:
        """Return what comes before the first text, the same however often that is sent."""
        lead = await self._lead(scope)
        introduction = None if self._introduce is None else self._introduce()
        return lead, [] if introduction is None else [introduction]

    async def _lead(self, scope: Scope) -> str:
        """Return what parts this text from the one before; an earlier attempt's half is not hidden."""
        streamed = await _streamed(self._context, scope, self._place)
        if streamed.the_part:
            return AGAIN
        return PARAGRAPH if streamed.anything else ""

    def _key(self, place: int) -> str:
        return f"{self._place}{self._context.attempt.identity.attempt}:{place}"


async def say(context: Context, scope: Scope, key: str, text: str) -> None:
    """Stream a paragraph that no model wrote, in the caller's transaction; once, whatever happens."""
    part = f"text:{key}"
    streamed = await _streamed(context, scope, part)
    lead = PARAGRAPH if streamed.anything else ""
    said = lead + harmless(text, context.link_hosts)
    context.log.emit(scope, (part, TextSaid(content=said)))
    scope.after_commit(partial(context.memory.keep_text, part, said))


async def _streamed(context: Context, scope: Scope, part: str) -> Streamed:
    """Return what was streamed of the answer, and whether of this part; an attempt before may have begun it."""
    memory = context.memory
    if memory.is_whole:
        return Streamed(anything=bool(memory.streamed), the_part=part in memory.streamed)
    return await events.streamed(scope, context.run_id, part)
