"""Results that fit into a model's context: texts first get shorter, then lists do, and the message says so."""

import json
from typing import Final

from pydantic import JsonValue

from persistence.text import shortened
from tools.tool import ToolAnswer, answered

MAX_DATA_BYTES: Final = 15_000  # with the message under 16,000, what the gateway shows: about 4,000 tokens
TEXT_CAPS_CHARS: Final = (8_000, 4_000, 2_000, 1_000, 500, 250)  # tried in turn
SHORTEST_TEXT_CHARS: Final = 120  # ids, times and most titles stay whole


def fitted(message: str, **data: JsonValue) -> ToolAnswer:
    """Return a success whose data is at most `MAX_DATA_BYTES` of JSON.

    The longest texts are cut first, all to one length. When short texts do not
    suffice, the longest lists lose their ends, and `has_more` becomes true.
    """
    if _size(data) <= MAX_DATA_BYTES:
        return answered(message, **data)
    cap = next((cap for cap in TEXT_CAPS_CHARS if _size(_cut(data, cap)) <= MAX_DATA_BYTES), SHORTEST_TEXT_CHARS)
    short = _cut(data, cap)
    cuts = [f"Texts are cut to {cap} characters to fit into one result."] if short != data else []
    drops = _drop_ends(short)
    if drops and "has_more" in short:
        short["has_more"] = True
    return answered(" ".join([message, *cuts, *drops]), **short)


def _size(value: JsonValue) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _cut(data: dict[str, JsonValue], cap_chars: int) -> dict[str, JsonValue]:
    return {name: _cut_value(value, cap_chars) for name, value in data.items()}


def _cut_value(value: JsonValue, cap_chars: int) -> JsonValue:
    """Return a copy with no text longer than the cap."""
    if isinstance(value, str):
        return shortened(value, cap_chars)
    if isinstance(value, list):
        return [_cut_value(item, cap_chars) for item in value]
    return _cut(value, cap_chars) if isinstance(value, dict) else value


def _drop_ends(data: dict[str, JsonValue]) -> list[str]:
    """Take items off the end of the largest lists until the data fits; say what was taken."""
    notes: list[str] = []
    while (excess := _size(data) - MAX_DATA_BYTES) > 0 and (lists := _lists("", data)):
        name, largest = max(lists, key=lambda named: _size(named[1]))
        before = len(largest)
        while excess > 0 and largest:
            excess -= _size(largest.pop())
        notes.append(f"Only the first {len(largest)} of {before} {name.replace('_', ' ')} fit into one result.")
    return notes


def _lists(name: str, value: JsonValue) -> list[tuple[str, list[JsonValue]]]:
    """Return every list that holds something, with the name it stands under."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in _lists(key, item)]
    if isinstance(value, list) and value:
        return [(name, value), *(found for item in value for found in _lists(name, item))]
    return []
