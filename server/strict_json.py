"""JSON, read more strictly than Python does: nothing gets in that some table or reader would choke on."""

import json
import math
import re
from collections.abc import Iterable
from itertools import count
from typing import Final

from pydantic import JsonValue

from persistence.text import is_storable
from server.refusals import Refused

DEPTH_MAX: Final = 32  # what `jsonb`, pydantic and checkpoints all take with ease
VALUES_MAX: Final = 10_000  # a history of hundreds of messages has less; each value costs far more than its bytes
INTEGER_MAX_DIGITS: Final = 18  # fits a bigint
_LONG_EXPONENT: Final = re.compile(r"[eE][+-]?\d{4}")


def read_json(body: bytes) -> JsonValue:
    """Return what a body of JSON holds, read more strictly than Python does.

    Raises:
        Refused: it is no JSON, or holds a key twice, a number that no table
            takes, more than `DEPTH_MAX` levels or `VALUES_MAX` values, or text
            that cannot be stored.
    """
    if not body:
        raise Refused("body_required")
    try:
        value: JsonValue = json.loads(
            body.decode(),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_in_range,
        )
    except RecursionError:
        raise Refused("json_too_deep") from None
    except ValueError:
        raise Refused("invalid_json") from None
    _check_values(value)
    return value


def _without_duplicates(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise Refused("duplicate_key")
    return held


def _refuse_constant(_: str) -> JsonValue:
    raise Refused("not_finite")


def _finite(text: str) -> float:
    """Return a number; one whose exponent has four digits is out of every range and is not even read."""
    if _LONG_EXPONENT.search(text):
        raise Refused("number_out_of_range")
    number = float(text)
    if not math.isfinite(number):
        raise Refused("not_finite")
    return number


def _in_range(text: str) -> int:
    if len(text.lstrip("-")) > INTEGER_MAX_DIGITS:
        raise Refused("number_out_of_range")
    return int(text)


def _check_values(value: JsonValue) -> None:
    """Walk level by level, so that no depth of nesting is a depth of calls."""
    level: list[JsonValue] = [value]
    held = 0
    for depth in count():
        held += len(level)
        if held > VALUES_MAX:
            raise Refused("json_too_large")
        if not all(is_storable(text) for text in _texts(level)):
            raise Refused("illegal_character")
        if not any(isinstance(one, (dict, list)) for one in level):
            return
        if depth == DEPTH_MAX:
            raise Refused("json_too_deep")
        level = [inner for outer in level for inner in _inside(outer)]


def _texts(level: list[JsonValue]) -> Iterable[str]:
    for value in level:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value


def _inside(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
