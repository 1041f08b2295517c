"""Arguments from the raw text a model wrote, strictly.

The raw text is what is checked, never a library's repaired reading of it: a
call that was cut off in the stream parses as valid after repair (measured: an
amount of 1000 became 10), and an empty text becomes an empty object.
"""

import json
import math
from typing import Final, NoReturn

from pydantic import JsonValue, ValidationError

from persistence.text import is_storable, shortened, storable_json
from tools.errors import ArgumentsInvalid
from tools.tool import A, Args, Tool

MAX_ARGUMENT_CHARS: Final = 32_000  # a note of the longest message fits with room for escapes
MAX_DEPTH: Final = 8  # the deepest schema of ours has three levels
MAX_REPORTED_PROBLEMS: Final = 4


def parse_object(raw: str) -> dict[str, JsonValue]:
    """Return the JSON object that the text is.

    Raises:
        ArgumentsInvalid: not JSON, not an object, a key twice, NaN, too long or too deep.
    """
    if len(raw) > MAX_ARGUMENT_CHARS:
        raise ArgumentsInvalid(f"The arguments are longer than {MAX_ARGUMENT_CHARS} characters. Send less at once.")
    try:
        value: JsonValue = json.loads(raw, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)
    except (ArgumentsInvalid, ValueError, RecursionError) as error:
        reason = error.args[0] if isinstance(error, ArgumentsInvalid) else "They are not complete JSON."
        raise ArgumentsInvalid(f"The arguments could not be read. {reason} Send one JSON object.") from error
    if not isinstance(value, dict):
        raise ArgumentsInvalid("The arguments must be one JSON object, for example {}.")
    if raw.count("{") + raw.count("[") > MAX_DEPTH and is_deeper(value, MAX_DEPTH):
        raise ArgumentsInvalid(f"The arguments are nested deeper than {MAX_DEPTH} levels.")
    if is_storable(raw) and r"\u" not in raw:  # then there is nothing to clean
        return value
    cleaned = storable_json(value)
    assert isinstance(cleaned, dict), "cleaning keeps the shape"
    return cleaned


def validated(tool: Tool[A], raw: str) -> A:
    """Return the tool's arguments; raises as `arguments_of` does."""
    return arguments_of(tool.name, tool.args, raw)


def arguments_of(function: str, kind: type[A], raw: str) -> A:
    """Return the arguments of a function call.

    A null for an optional parameter counts as not given.

    Raises:
        ArgumentsInvalid: with a sentence for the model on what to change.
    """
    given = {name: value for name, value in parse_object(raw).items() if value is not None}
    try:
        return kind.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise ArgumentsInvalid(_explained(function, kind, error)) from error


def canonical(value: dict[str, JsonValue]) -> str:
    """Return the one text that equal arguments share."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def is_deeper(value: JsonValue, levels: int) -> bool:
    """Say whether there are more levels, looking no further: deep nesting must not end in `RecursionError`."""
    if not isinstance(value, dict | list):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(is_deeper(item, levels - 1) for item in inside)


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ArgumentsInvalid("A name stands in them twice.")
    return dict(pairs)


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ArgumentsInvalid("A number in them is too large.")
    return value


def _no_constant(_constant: str) -> NoReturn:
    raise ArgumentsInvalid("NaN and Infinity are not numbers in JSON.")


def _explained(function: str, kind: type[Args], error: ValidationError) -> str:
    problems = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'arguments'}: {shortened(problem['msg'], 200)}"
        for problem in error.errors(include_url=False, include_input=False)[:MAX_REPORTED_PROBLEMS]
    ]
    takes = ", ".join(f"{name}{'*' if field.is_required() else ''}" for name, field in kind.model_fields.items())
    return f"{function} could not run. {'; '.join(problems)}. It takes: {takes}."
