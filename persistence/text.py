"""What can be stored: Postgres takes no NUL, UTF-8 no lone surrogate, JSON no NaN. And what of it can be seen."""

import math
import re
import unicodedata
from typing import Final

from pydantic import JsonValue

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_BLANK_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
_BLANK_LETTERS: Final = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")  # drawn as nothing, in no blank category


def storable(text: str) -> str:
    """Return the text with each character that cannot be stored replaced by U+FFFD."""
    return text if is_storable(text) else _UNSTORABLE.sub(REPLACEMENT, text)


def is_storable(text: str) -> bool:
    """Say whether the text can be stored as it is."""
    if text.isascii():  # which a text knows of itself, and most are
        return "\x00" not in text
    return _UNSTORABLE.search(text) is None


def storable_json(value: JsonValue) -> JsonValue:
    """Return a JSON value with `storable` applied to every string and key in it; NaN and Infinity become null."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [storable_json(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable_json(item) for key, item in value.items()}
    return value


def in_stored_order(value: JsonValue) -> JsonValue:
    """Return a JSON value with its keys in the order in which `jsonb` gives them back: by length in bytes, then bytes.

    https://www.postgresql.org/docs/current/datatype-json.html: jsonb does not preserve the order of object keys.
    """
    if isinstance(value, list):
        return [in_stored_order(item) for item in value]
    if isinstance(value, dict):
        return {key: in_stored_order(value[key]) for key in sorted(value, key=_place)}
    return value


def _place(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded


def says_nothing(text: str) -> bool:
    """Say whether a text shows nothing: white space and characters without a shape."""
    return all(letter in _BLANK_LETTERS or unicodedata.category(letter) in _BLANK_CATEGORIES for letter in text)


def shortened(text: str, limit_chars: int) -> str:
    """Return the text cut to `limit_chars`, the cut marked with an ellipsis."""
    return text if len(text) <= limit_chars else text[: limit_chars - 1] + "…"
