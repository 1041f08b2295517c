"""Token counts out of whatever a provider sends as usage."""

from typing import Final

from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from pydantic import JsonValue

MAX_TOKENS_PER_CALL: Final = 100_000_000  # far above any context window: a larger number is a mistake


def usage_of(reported: JsonValue) -> UsageMetadata | None:
    """Return the usage, or None when it is missing or cannot be true.

    Usage that is negative, no number, or absurdly large is dropped as a whole:
    whoever charges for tokens then counts them itself. DeepSeek names the cached
    part of the prompt `prompt_cache_hit_tokens`, others nest `cached_tokens`.
    """
    if not isinstance(reported, dict):
        return None
    prompt, completion = _count(reported.get("prompt_tokens")), _count(reported.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    cached = _detail(reported, "prompt_tokens_details", "cached_tokens")
    if cached is None:
        cached = _count(reported.get("prompt_cache_hit_tokens"))
    reasoning = _detail(reported, "completion_tokens_details", "reasoning_tokens")
    return UsageMetadata(
        input_tokens=prompt,
        output_tokens=completion,
        total_tokens=prompt + completion,
        input_token_details=InputTokenDetails(cache_read=min(cached or 0, prompt)),
        output_token_details=OutputTokenDetails(reasoning=min(reasoning or 0, completion)),
    )


def _detail(reported: dict[str, JsonValue], group: str, name: str) -> int | None:
    details = reported.get(group)
    return _count(details.get(name)) if isinstance(details, dict) else None


def _count(value: JsonValue) -> int | None:
    """Return a believable number of tokens. `True` is an int in Python, and no count."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_TOKENS_PER_CALL else None
