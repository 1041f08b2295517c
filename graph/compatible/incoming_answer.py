"""A model's answer as it arrives, whole or in pieces, made into LangChain messages.

The library's own conversion loses what strict checks downstream need, so it is not
used. Measured with langchain-openai 1.7.3, langchain-core 1.7.2, openai 3.54.0:

- arguments `''` or `null` become `{}` in a whole answer, `''` also in a stream; a
  list or a number raises `ValidationError` in a whole answer;
- `{"amount": 10`, the beginning of 1000, becomes a valid call in a stream;
- 60,000 characters of arguments that are no JSON stop the event loop for 26 s, since
  a chunk's arguments are read once for each character that may have to be left out;
- two streamed calls with one index: the second loses its arguments; with one id
  as well: one call named "ab"; a call without an index falls into two;
- `reasoning_content` is dropped, in a stream also `refusal`;
- usage that is text raises `ValidationError` or `AttributeError`; -5 and 10**12
  are passed on; usage that comes with every piece is added up;
- an error object sent with status 200 raises `ValueError` with the body in its text,
  in a stream "No generation chunks were returned"; `choices: null` raises `TypeError`;
- a stream without any choice is an empty answer, and a stream that ends before the
  answer did is half an answer. Neither is an error there; both are here.

Every answer with calls carries `additional_kwargs["raw_tool_calls"]`: a list of
`{"id", "name", "arguments"}` in order, the arguments exactly as the model wrote
them; only these may be executed. In a stream they come with the last chunk, beside
LangChain's own view of the calls whose arguments are an object. Until then a chunk
says in `additional_kwargs["argument_chars"]` how much of them has come, and hands on in
`additional_kwargs["argument_pieces"]` what that is: `{"place", "name", "arguments"}`
each, for who can use a call's beginning. Nothing may be executed for it.
"""

import json

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall, UsageMetadata
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call, tool_call_chunk
from pydantic import JsonValue

from graph.compatible.incoming_calls import IncomingCalls
from graph.compatible.model_connection import END_OF_STREAM
from graph.compatible.model_failures import failure_in_body, unusable
from graph.compatible.token_usage import usage_of
from persistence.text import storable
from tools.arguments import parse_object
from tools.errors import ArgumentsInvalid


class IncomingAnswer:
    """One answer, fed with the provider's JSON, read as messages."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._content: list[str] = []
        self._notes: dict[str, list[str]] = {}
        self._calls = IncomingCalls()
        self._usage: UsageMetadata | None = None
        self._finish_reason: str | None = None
        self._has_choice = False
        self._has_ended = False

    @property
    def is_finished(self) -> bool:
        """Whether the model has said why it stopped: nothing but usage may follow."""
        return self._finish_reason is not None

    def add(self, event: JsonValue) -> None:
        """Take a whole answer or one event of a stream.

        Raises:
            ModelFailure: it is an error object, or nothing that an answer is made of.
        """
        if event == END_OF_STREAM:
            self._has_ended = True
            return
        if not isinstance(event, dict):
            raise unusable("no JSON object")
        if problem := event.get("error"):
            raise failure_in_body(problem)
        self._usage = usage_of(event.get("usage")) or self._usage
        self._model = _text(event.get("model")) or self._model
        choices = event.get("choices")  # empty in some first events, null in some that carry only usage
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self._add_choice(choices[0])

    def take(self) -> AIMessageChunk | None:
        """Return what has arrived since the last time as one chunk, None when nothing has."""
        content, notes, chars = self._take_content(), self._take_notes(), self._calls.take_chars()
        if not (content or notes or chars):
            return None
        counted: dict[str, object] = {"argument_chars": chars} if chars else {}
        if (pieces := self._calls.take_pieces()) and not self.is_finished:  # the whole call is about to come
            counted["argument_pieces"] = pieces
        return AIMessageChunk(content=content, additional_kwargs={**notes, **counted})

    def last(self) -> AIMessageChunk:
        """Return the chunk that ends a stream: why it ended, usage, the calls as written.

        Raises:
            ModelFailure: the stream stopped before the answer did.
        """
        self._check_complete()
        return AIMessageChunk(
            content="",
            additional_kwargs=self._raw_calls(),
            tool_call_chunks=_readable(self._calls),
            response_metadata=self._metadata(),
            usage_metadata=self._usage,
            chunk_position="last",
        )

    def whole(self) -> AIMessage:
        """Return the answer that was sent in one piece.

        Raises:
            ModelFailure: there is no answer in it.
        """
        self._check_complete()
        calls, broken_calls = _sorted_calls(self._calls)
        return AIMessage(
            content=self._take_content(),
            additional_kwargs={**self._take_notes(), **self._raw_calls()},
            tool_calls=calls,
            invalid_tool_calls=broken_calls,
            response_metadata=self._metadata(),
            usage_metadata=self._usage,
        )

    def _add_choice(self, choice: dict[str, JsonValue]) -> None:
        self._finish_reason = _text(choice.get("finish_reason")) or self._finish_reason
        if isinstance(message := choice.get("message"), dict):
            self._has_choice = self._has_ended = True
            self._add_text(message)
            self._calls.add_whole(message.get("tool_calls"))
        elif isinstance(delta := choice.get("delta"), dict):
            self._has_choice = True
            self._add_text(delta)
            self._calls.add_delta(delta.get("tool_calls"))

    def _add_text(self, part: dict[str, JsonValue]) -> None:
        """Keep text where it belongs: thinking and refusals never become content."""
        self._content.append(_text(part.get("content")))
        for name in ("reasoning_content", "refusal"):
            if isinstance(value := part.get(name), str):
                self._notes.setdefault(name, []).append(storable(value))

    def _take_content(self) -> str:
        pieces, self._content = self._content, []
        return "".join(pieces)

    def _take_notes(self) -> dict[str, str]:
        notes, self._notes = self._notes, {}
        return {name: "".join(pieces) for name, pieces in notes.items()}

    def _raw_calls(self) -> dict[str, list[dict[str, str | None]]]:
        raw = self._calls.raw()
        return {"raw_tool_calls": raw} if raw else {}

    def _metadata(self) -> dict[str, str | None]:
        return {"finish_reason": self._finish_reason, "model_name": self._model}

    def _check_complete(self) -> None:
        if not self._has_choice:
            raise unusable("no answer in it")
        if not (self._has_ended or self.is_finished):
            raise unusable("cut off")


def _readable(calls: IncomingCalls) -> list[ToolCallChunk]:
    """Return the calls whose arguments are an object, each in one piece."""
    return [
        tool_call_chunk(id=call["id"], name=call["name"], args=json.dumps(call["args"]), index=place)
        for place, call in enumerate(_sorted_calls(calls)[0])
    ]


def _sorted_calls(calls: IncomingCalls) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the calls whose arguments are an object, and those whose are not."""
    good: list[ToolCall] = []
    broken: list[InvalidToolCall] = []
    for call in calls.raw():
        raw = call["arguments"] or ""
        try:
            good.append(tool_call(id=call["id"], name=call["name"] or "", args=parse_object(raw)))
        except ArgumentsInvalid as refusal:
            broken.append(invalid_tool_call(id=call["id"], name=call["name"], args=raw, error=str(refusal)))
    return good, broken


def _text(value: JsonValue) -> str:
    """Return text that is sent as a string or as a list of text parts, else nothing."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return ""
