"""JSON as models are sent it."""

import json
from collections.abc import Mapping, Sequence

import orjson
from pydantic import JsonValue


def model_json(value: Mapping[str, JsonValue] | Sequence[Mapping[str, JsonValue]]) -> bytes:
    """Return a value as JSON without blanks; half of a character, which UTF-8 cannot say, becomes a question mark."""
    try:
        return orjson.dumps(value)
    except TypeError:  # for half of a character, and for a number of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
