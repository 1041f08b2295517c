"""What a scripted model says, and how it misbehaves while saying it.

text("Two tasks are overdue.", deltas=4)
tools(call("list_tasks", {"limit": 5}), call("search_notes", '{"query": "cut o'))
text("half").disconnect_after(2)
status(429, retry_after="2")
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from pydantic import JsonValue

from tests.scripted_model.gate import Gate

COUNTED: Literal["counted"] = "counted"


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call. `arguments` is sent as it is; `piece_chars` cuts it for a stream."""

    name: str | None
    arguments: str | None
    id: str | None = None
    index: int | None = None
    piece_chars: int = 16

    def as_json(self) -> dict[str, JsonValue]:
        """Return the call as a whole answer shows it."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `usage` is counted from what is sent unless given; None sends none. `joined` sends all at once."""

    text: str | None = None
    calls: tuple[Call, ...] = ()
    reasoning: str | None = None
    refusal: str | None = None
    deltas: int = 1
    finish_reason: str | None = "stop"
    usage: JsonValue = COUNTED
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: JsonValue | bytes = None
    events: tuple[JsonValue, ...] | None = None
    sends_done: bool = True
    stalls_after_events: int | None = None
    disconnects_after_events: int | None = None
    ends_after_events: int | None = None
    repeats_after_events: int | None = None
    slice_bytes: int | None = None
    joined: bool = False
    delay_seconds: float = 0
    pace_seconds: float = 0
    gate: Gate | None = None
    gate_after_events: int = 0

    @property
    def is_raw(self) -> bool:
        """Whether bytes are sent that no tokens are counted for."""
        return self.body is not None or self.events is not None

    def stall_after(self, events: int) -> Self:
        """Send so many events and then nothing, until the client leaves. 0: the headers alone.

        A whole answer counts as two events, its halves; so with the other faults.
        """
        return replace(self, stalls_after_events=events)

    def disconnect_after(self, events: int) -> Self:
        """Break the connection after so many events. 0: before a byte is sent."""
        return replace(self, disconnects_after_events=events)

    def end_after(self, events: int) -> Self:
        """End the body cleanly after so many events, as a gateway does that lost its model."""
        return replace(self, ends_after_events=events, sends_done=False)

    def repeat_after(self, events: int) -> Self:
        """Send so many events and then the last of them again and again, until the client leaves."""
        return replace(self, repeats_after_events=events)

    def sliced(self, size_bytes: int) -> Self:
        """Write the body in slices of so many bytes, each in a packet of its own."""
        return replace(self, slice_bytes=size_bytes)

    def delayed(self, seconds: float) -> Self:
        """Answer later. For benchmarks: a test waits at a gate."""
        return replace(self, delay_seconds=seconds)

    def paced(self, seconds: float) -> Self:
        """Wait before each event: a model that speaks slowly. Only where slowness itself is tried."""
        return replace(self, pace_seconds=seconds)

    def gated(self, gate: Gate, *, after: int = 0) -> Self:
        """Go on after so many events when the test opens the gate. 0: before a byte is sent."""
        return replace(self, gate=gate, gate_after_events=after)


def text(
    content: str | None,
    *,
    deltas: int = 1,
    reasoning: str | None = None,
    refusal: str | None = None,
    finish_reason: str | None = "stop",
    usage: JsonValue = COUNTED,
) -> Reply:
    """Say something, in a stream as so many deltas."""
    return Reply(
        text=content, deltas=deltas, reasoning=reasoning, refusal=refusal, finish_reason=finish_reason, usage=usage
    )


def call(
    name: str | None,
    arguments: str | Mapping[str, JsonValue] | None,
    *,
    call_id: str | None = None,
    index: int | None = None,
    piece_chars: int = 16,
) -> Call:
    """Call a tool with arguments as an object, or as the exact text a model would write."""
    raw = arguments if isinstance(arguments, str | None) else json.dumps(dict(arguments), ensure_ascii=False)
    return Call(name=name, arguments=raw, id=call_id, index=index, piece_chars=piece_chars)


def tools(
    *calls: Call,
    text: str | None = None,
    reasoning: str | None = None,
    finish_reason: str | None = "tool_calls",
    usage: JsonValue = COUNTED,
) -> Reply:
    """Call tools, with or without some words before. Calls without an id or an index get the next one.

    To send a null id, give `Reply(calls=(Call(name, arguments),))`.
    """
    numbered = tuple(
        replace(
            each,
            id=f"call_{position}" if each.id is None else each.id,
            index=position if each.index is None else each.index,
        )
        for position, each in enumerate(calls)
    )
    return Reply(text=text, calls=numbered, reasoning=reasoning, finish_reason=finish_reason, usage=usage)


def status(
    code: int, *, retry_after: str | None = None, message: str = "The scripted model refuses.", error_code: str = ""
) -> Reply:
    """Answer with an HTTP status and an error object."""
    headers = (("Retry-After", retry_after),) if retry_after is not None else ()
    return Reply(status=code, headers=headers, body=_error(message, error_code))


def error_in_200(message: str = "The scripted model is overloaded.", code: JsonValue = None) -> Reply:
    """Answer with an error object as if all were well."""
    return Reply(body=_error(message, code))


def raw_body(body: JsonValue | bytes) -> Reply:
    """Answer with exactly this body."""
    return Reply(body=body)


def raw_events(*events: JsonValue, done: bool = True) -> Reply:
    """Stream exactly these events."""
    return Reply(events=events, sends_done=done)


def _error(message: str, code: JsonValue) -> dict[str, JsonValue]:
    return {"error": {"message": message, "type": "scripted", "code": code}}


def cut(content: str, parts: int) -> Sequence[str]:
    """Return the text in so many parts of about the same length."""
    size = max(1, -(-len(content) // max(1, parts)))
    return [content[start : start + size] for start in range(0, len(content), size)]
