"""Frames, and readers that leave or stop reading."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from nodes.vocabulary.events import TextSaid, encoded
from persistence.runs.events import LoggedEvent
from server import sse
from server.sse import JOINED_BYTES, EventStream, frame
from server.tail import ComeBack, Heartbeat, Told


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_forges_a_frame(text: str) -> None:
    """Whatever the model says, an event is one id line, one data line and a blank line."""
    sent = frame(LoggedEvent(7, "text", encoded(TextSaid(content=text))))
    first, second, *rest = sent.decode().split("\n")
    assert (first, rest) == ("id: 7", ["", ""])
    assert json.loads(second.removeprefix("data: "))["content"] == text


def test_a_heartbeat_is_a_comment() -> None:
    """A heartbeat carries no id and no data, so no client takes it for an event."""
    assert frame(Heartbeat()) == b": keep-alive\n\n"


def test_a_good_bye_says_when_to_come_back() -> None:
    """The last line of a stream that ends too early sets how long a client waits; it is no event."""
    assert frame(ComeBack(1500)) == b"retry: 1500\n\n"


class Source:
    """Events without end, which notices when it is closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def events(self) -> AsyncGenerator[Sequence[Told]]:
        """Yield the same event for ever."""
        try:
            while True:
                yield [LoggedEvent(1, "text", "{}")]
                await asyncio.sleep(0)
        finally:
            self.closed.set()


async def sent(*batches: Sequence[Told]) -> list[bytes]:
    """Return the chunks that a stream of these batches sends."""
    chunks: list[bytes] = []

    async def source() -> AsyncGenerator[Sequence[Told]]:
        for batch in batches:
            yield batch

    async def take(message: Message) -> None:
        chunks.append(message.get("body", b""))

    await EventStream(source()).stream_response(take)
    return [chunk for chunk in chunks if chunk]


async def test_events_that_are_there_together_are_sent_together() -> None:
    """One chunk for a batch, frame behind frame; large ones are cut between frames."""
    small = [LoggedEvent(seq, "text", "{}") for seq in (1, 2, 3)]
    large = [LoggedEvent(seq, "text", f'"{"x" * JOINED_BYTES}"') for seq in (4, 5)]
    assert await sent(small, large) == [b"".join(map(frame, small)), *map(frame, large)]


async def test_a_reader_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A send that does not come through within its time ends the stream and closes its source."""
    monkeypatch.setattr(sse, "SEND_TIMEOUT_SECONDS", 0.05)
    source = Source()

    async def frozen(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    await EventStream(source.events()).stream_response(frozen)
    assert source.closed.is_set()


async def test_a_client_that_leaves_ends_its_stream() -> None:
    """What is still to come of the request is passed over; once the client hangs up the source is closed."""
    source, sending = Source(), asyncio.Event()

    async def slow(message: Message) -> None:
        if message["type"] == "http.response.body":
            sending.set()
        await asyncio.sleep(0)

    async def receive() -> Message:
        if not sending.is_set():
            await sending.wait()
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.disconnect"}

    await EventStream(source.events())({"type": "http"}, receive, slow)
    assert source.closed.is_set()


async def test_a_stream_that_ends_is_whole() -> None:
    """A client that stays gets everything and the end of the answer."""
    told: list[Message] = []

    async def take(message: Message) -> None:
        told.append(message)

    async def source() -> AsyncGenerator[Sequence[Told]]:
        yield [LoggedEvent(1, "text", "{}")]

    async def never() -> Message:
        await asyncio.Event().wait()
        return {}

    await EventStream(source())({"type": "http"}, never, take)
    assert [message.get("more_body") for message in told] == [None, True, False]


async def test_a_stream_that_is_cancelled_closes_its_source() -> None:
    """Whatever ends it frees everything it held, wherever the stream was."""
    source, sending = Source(), asyncio.Event()

    async def slow(message: Message) -> None:
        if message["type"] == "http.response.body":
            sending.set()
        await asyncio.sleep(0)

    task = asyncio.create_task(EventStream(source.events()).stream_response(slow))
    await sending.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert source.closed.is_set()
