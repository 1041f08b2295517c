"""How many tokens a text has, without any model's tokenizer.

That is what is reserved before a call, and what it cost if its provider does not say.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import JsonValue

from nodes.vocabulary.model_json import model_json

CHARS_PER_TOKEN: Final = 4  # the usual rule of thumb, for plain letters; any other character counts as a token
TOOL_LISTS_KEPT: Final = 100  # of those whose size is known; what agents are offered are some dozen lists
MESSAGE_TOKENS: Final = 8  # around each message: its role, its id, what separates it from the next


@dataclass(frozen=True, slots=True)
class Size:
    """About how many tokens a prompt has, and how many at most: every token stands for a byte or more."""

    tokens: int
    tokens_at_most: int


@dataclass(frozen=True, slots=True)
class _Counted:
    """The size of tools, and these: as long as they are held here, nothing else has their `id`."""

    size: Size
    tools: tuple[dict[str, JsonValue], ...]


_COUNTED: Final = dict[tuple[int, ...], _Counted]()


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has."""
    plain = len(text.encode("ascii", "ignore"))
    return len(text) - plain - (-plain // CHARS_PER_TOKEN)


def size_of(messages: Sequence[BaseMessage], tools: Sequence[dict[str, JsonValue]]) -> Size:
    """Return the size of what a model is asked."""
    of_tools = _size_of_tools(tools)
    shown = [_written(message) for message in messages]
    around = MESSAGE_TOKENS * len(messages)
    return Size(
        tokens=around + of_tools.tokens + sum(map(tokens_of, shown)),
        tokens_at_most=around + of_tools.tokens_at_most + sum(len(text.encode(errors="replace")) for text in shown),
    )


def _size_of_tools(tools: Sequence[dict[str, JsonValue]]) -> Size:
    """Return the size of tools, which are the same few objects all the time; of those it is counted once."""
    key = tuple(map(id, tools))
    if (known := _COUNTED.get(key)) is not None:
        return known.size
    if len(_COUNTED) >= TOOL_LISTS_KEPT:
        _COUNTED.clear()
    text = model_json(tools)
    counted = _Counted(Size(tokens_of(text.decode()), len(text)), tuple(tools))
    _COUNTED[key] = counted
    return counted.size


def _written(message: BaseMessage) -> str:
    """Return the words of a message, those of its calls and thoughts too."""
    calls = [*message.tool_calls, *message.invalid_tool_calls] if isinstance(message, AIMessage) else []
    thought = message.additional_kwargs.get("reasoning_content")
    return f"{message.text}{json.dumps(calls, ensure_ascii=False) if calls else ''}{thought or ''}"
