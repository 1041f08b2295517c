"""JSON as models are sent it."""

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue
from pydantic_core import PydanticSerializationError, to_json


def model_json(value: Mapping[str, JsonValue] | Sequence[Mapping[str, JsonValue]]) -> bytes:
    """Return a value as JSON without blanks; half of a character, which UTF-8 cannot say, becomes a question mark."""
    try:
        return to_json(value)
    except PydanticSerializationError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
