"""Conversations that fit into a model's context: the oldest tool results lose their content first.

Nothing is taken away as a message: providers refuse a call without its result, and a result without its call.
"""

import json
from collections.abc import Sequence
from typing import Final

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

LEFT_OUT: Final = '{"message": "Left out to make room. Call the tool again if it is still needed."}'


def trimmed(messages: Sequence[BaseMessage], most_chars: int) -> list[BaseMessage]:
    """Return the messages, with as few old results as possible left out to hold the limit."""
    kept = list(messages)
    too_many = sum(map(_chars, kept)) - most_chars
    for place, message in enumerate(messages):
        if too_many <= 0:
            break
        if isinstance(message, ToolMessage) and (gained := len(message.text) - len(LEFT_OUT)) > 0:
            kept[place] = ToolMessage(LEFT_OUT, tool_call_id=message.tool_call_id)
            too_many -= gained
    return kept


def _chars(message: BaseMessage) -> int:
    if not isinstance(message, AIMessage):
        return len(message.text)
    invalid = sum(len(call["args"] or "") for call in message.invalid_tool_calls)
    return len(message.text) + invalid + sum(len(json.dumps(call["args"])) for call in message.tool_calls)
