"""What the offline model does with a request, as a script that is played again on every call.

A script is a generator: it yields the tool calls it needs, receives their
results, and returns what it has to say. The model keeps nothing between two
calls. Each call starts the script anew and feeds it the results that already
stand in the messages; where they run out, the calls it asks for are the reply.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeAlias, TypeVar

from pydantic import JsonValue

T = TypeVar("T")

MAX_ROUNDS: Final = 6  # of tool calls in one loop; the longest script here takes four


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make."""

    tool: str
    arguments: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool call came to. `error` is the code of a refusal, None when it did what was asked."""

    message: str
    data: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    error: str | None = None


Round: TypeAlias = tuple[Result, ...]
Script: TypeAlias = Generator[tuple[Call, ...], Round, T]


class CannotGoOn(Exception):
    """A script ends early; its text is what the person is told."""


@dataclass(frozen=True, slots=True)
class Wants:
    """The script waits for the results of these calls."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """The script has said its last."""

    value: T


def play(script: Script[T], rounds: Sequence[Round]) -> Wants | Ended[T]:
    """Return how far a script comes with the results there are.

    Raises:
        CannotGoOn: from the script, or because it asked for more rounds than a loop may have.
    """
    try:
        calls = next(script)
        for results in rounds[:MAX_ROUNDS]:
            calls = script.send(_one_each(results, len(calls)))
    except StopIteration as end:
        return Ended(end.value)
    if len(rounds) >= MAX_ROUNDS:
        raise CannotGoOn("I stopped here: this took more steps than I allow myself. Please ask for less at once.")
    return Wants(calls)


def reading(*calls: Call) -> Script[Round]:
    """Return the results of calls without which the script cannot go on.

    Raises:
        CannotGoOn: one of them was refused, with what the tool said about it.
    """
    results = yield calls
    for call, result in zip(calls, results, strict=True):
        if result.error is not None:
            raise CannotGoOn(f"I could not look that up: {call.tool} answered “{result.message}” ({result.error}).")
    return results


def reading_one(tool: str, **arguments: JsonValue) -> Script[Result]:
    """Return the result of one call without which the script cannot go on."""
    (result,) = yield from reading(Call(tool, arguments))
    return result


def writing_one(tool: str, **arguments: JsonValue) -> Script[Result]:
    """Return the result of a change.

    Raises:
        CannotGoOn: it was refused, with what the tool said about it.
    """
    (result,) = yield (Call(tool, arguments),)
    if result.error is not None:
        raise CannotGoOn(f"That was not changed: {result.message}")
    return result


def only_saying(text: str) -> Script[str]:
    """Return a script that needs no tools."""
    yield from ()
    return text


def _one_each(results: Round, asked: int) -> Round:
    """Return as many results as there were calls, whatever stands in the messages."""
    missing = Result("There is no result of this call.", error="no_result")
    return (*results[:asked], *[missing] * (asked - len(results)))
