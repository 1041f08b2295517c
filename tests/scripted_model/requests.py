"""What a client asked the scripted model, readable by scripts and tests."""

import json
import re
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from pydantic import JsonValue


@dataclass(frozen=True)
class ChatRequest:
    """One request to `/v1/chat/completions`.

    `delivered` becomes True when the reply was sent as scripted, and False when
    the client left before that.
    """

    headers: Mapping[str, str]
    json: dict[str, JsonValue]
    delivered: Future[bool] = field(default_factory=Future[bool], compare=False, repr=False)

    @property
    def model(self) -> str:
        """The model that is asked for."""
        return str(self.json.get("model"))

    @property
    def is_streamed(self) -> bool:
        """Whether the answer is to come in pieces."""
        return self.json.get("stream") is True

    @property
    def messages(self) -> list[dict[str, JsonValue]]:
        """The conversation as it was sent."""
        return _objects(self.json.get("messages"))

    @property
    def offered(self) -> list[str]:
        """The names of the tools that are offered."""
        return [str(function.get("name")) for function in self._functions]

    def choices_of(self, tool: str, parameter: str) -> list[JsonValue]:
        """Return the values that an offered tool allows for a parameter, none if any is allowed."""
        for function in self._functions:
            choices = _within(function, "parameters", "properties", parameter, "enum")
            if function.get("name") == tool and isinstance(choices, list):
                return choices
        return []

    @property
    def kinds_of_change(self) -> list[JsonValue]:
        """The kinds of change that a model may allow, when it is asked for them."""
        path = ("parameters", "$defs", "Intent", "properties", "change", "enum")
        kinds = [_within(function, *path) for function in self._functions]
        return [kind for known in kinds if isinstance(known, list) for kind in known]

    @property
    def last_role(self) -> str:
        """Who spoke last."""
        return str(self.messages[-1].get("role")) if self.messages else ""

    @property
    def last_text(self) -> str:
        """What was said last."""
        return _text(self.messages[-1].get("content")) if self.messages else ""

    @property
    def all_text(self) -> str:
        """Everything that was said, one message a line."""
        return "\n".join(_text(message.get("content")) for message in self.messages)

    @property
    def results(self) -> str:
        """What tools have answered, one result a line."""
        return "\n".join(_text(message.get("content")) for message in self.messages if message.get("role") == "tool")

    def has_called(self, tool: str | None) -> bool:
        """Say whether the model has called a tool in this conversation."""
        calls = [call for message in self.messages for call in _objects(message.get("tool_calls"))]
        return any(_within(call, "function", "name") == tool for call in calls)

    @property
    def everything_read(self) -> str:
        """Every text that stands in the request, also inside JSON, and the descriptions of the tools."""
        described = [str(function.get("description")) for function in self._functions]
        return "\n".join([*described, *(_plain(_text(message.get("content"))) for message in self.messages)])

    @property
    def _functions(self) -> list[dict[str, JsonValue]]:
        functions = (tool.get("function") for tool in _objects(self.json.get("tools")))
        return [function for function in functions if isinstance(function, dict)]


def _within(value: JsonValue, *names: str) -> JsonValue:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _objects(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(content: JsonValue) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in _objects(content))


def _plain(text: str) -> str:
    """Return a text as it reads when the JSON in it has been parsed."""
    return re.sub(r"\\(?:u[0-9a-f]{4}|.)", lambda escape: str(json.loads(f'"{escape[0]}"')), text)
