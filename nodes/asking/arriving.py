"""A streamed answer, put together from its chunks.

The library's own `chunk + chunk` is not used: it reads the arguments of every
tool call anew, as far as they have come, with each chunk. Measured: 8 KB of
arguments that are no JSON, in 1,000 chunks, stopped the event loop for over 20 s.
"""

from typing import Final

from langchain_core.messages import AIMessage, AIMessageChunk

from nodes.asking.reply import MAX_THOUGHT_CHARS


class Arriving:
    """One answer on its way. Grows by `add` until it `is_full`, is read by `whole`. `chars` is all that was written."""

    def __init__(self, most_chars: int) -> None:
        self._most_chars: Final = most_chars
        self._text: Final[list[str]] = []
        self._thoughts: Final[list[str]] = []
        self._calls: Final[dict[int | str | None, list[str]]] = {}
        self._names: Final[dict[int | str | None, str]] = {}
        self._raw: object = None
        self._metadata: Final[dict[str, object]] = {}
        self._refusals: Final[list[str]] = []
        self._counted: AIMessageChunk | None = None
        self._thought_chars = 0
        self.chars = 0

    @property
    def text(self) -> str:
        """Return the text so far."""
        return "".join(self._text)

    @property
    def written(self) -> str:
        """Return every word so far, those of calls and thoughts too: what is paid for."""
        arguments = (piece for pieces in self._calls.values() for piece in pieces)
        return "".join((*self._text, *self._names.values(), *arguments, *self._thoughts))

    @property
    def is_full(self) -> bool:
        """Say whether more was said, or thought, than an answer may hold."""
        return self._said_chars > self._most_chars or self._thought_chars > MAX_THOUGHT_CHARS

    @property
    def _said_chars(self) -> int:
        return self.chars - self._thought_chars

    def add(self, chunk: AIMessageChunk) -> str:
        """Take a chunk; return its text, as much of it as there is room for."""
        taken = chunk.text[: max(self._most_chars - self._said_chars, 0)]
        self._text.append(taken)
        self.chars += len(chunk.text)
        self._add_calls(chunk)
        if isinstance(thought := chunk.additional_kwargs.get("reasoning_content"), str):
            self._thoughts.append(thought)
            self._thought_chars += len(thought)
            self.chars += len(thought)
        if isinstance(refusal := chunk.additional_kwargs.get("refusal"), str):
            self._refusals.append(refusal)
        self._metadata.update(chunk.response_metadata)
        self._counted = chunk if chunk.usage_metadata else self._counted
        return taken

    def _add_calls(self, chunk: AIMessageChunk) -> None:
        """Take what a chunk says of calls: how much of them came, the calls as written, or, failing these, pieces."""
        if "argument_chars" in chunk.additional_kwargs:
            self.chars += int(chunk.additional_kwargs["argument_chars"])
        if "raw_tool_calls" in chunk.additional_kwargs:
            self._raw = chunk.additional_kwargs["raw_tool_calls"]
            return
        for piece in chunk.tool_call_chunks:
            place, arguments = piece["index"], piece["args"] or ""
            self._calls.setdefault(place, []).append(arguments)
            self._names[place] = self._names.get(place) or piece["name"] or ""
            self.chars += len(arguments)

    def whole(self) -> AIMessage:
        """Return the answer in one piece, its calls as raw text."""
        raw = self._raw or [
            {"name": self._names[place], "arguments": "".join(pieces)} for place, pieces in self._calls.items()
        ]
        thoughts = {"reasoning_content": "".join(self._thoughts)} if self._thoughts else {}
        return AIMessage(
            content=self.text,
            additional_kwargs={**thoughts, "raw_tool_calls": raw, "refusal": "".join(self._refusals)},
            response_metadata=self._metadata,
            usage_metadata=None if self._counted is None else self._counted.usage_metadata,
        )

    def cut(self) -> AIMessage:
        """Return what has come as an answer that ended in the middle: the text alone, no call."""
        return AIMessage(content=self.text, response_metadata={**self._metadata, "finish_reason": "length"})
