"""Deterministic token counts: a token is four characters, and nothing is free."""

import json
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from tests.scripted_model.replies import Reply
from tests.scripted_model.requests import ChatRequest

CHARS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Tokens:
    """What some calls cost."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.prompt + self.completion

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.calls + other.calls, self.prompt + other.prompt, self.completion + other.completion)


def count(request: ChatRequest, reply: Reply) -> Tokens:
    """Return what one call costs: messages and tools in, everything the reply says out."""
    asked = json.dumps([request.json.get("messages"), request.json.get("tools")], ensure_ascii=False)
    said = [reply.text, reply.reasoning, reply.refusal, *(part for c in reply.calls for part in (c.name, c.arguments))]
    return Tokens(1, _tokens(asked), _tokens("".join(part for part in said if part)))


def as_usage(tokens: Tokens) -> dict[str, JsonValue]:
    """Return the counts as a provider reports them."""
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.total,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _tokens(text: str) -> int:
    return max(1, -(-len(text) // CHARS_PER_TOKEN))
