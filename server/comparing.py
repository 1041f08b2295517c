"""Two runs side by side: a pure function over what is recorded of each.

Whatever is a pair holds the first run's and the second's; None where one has nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from typing import Final, Literal, TypeVar
from uuid import UUID

from graph.drawing.plan_graph import PlanStep
from persistence.runs.ledger import CallState, LedgerRow
from server.exports.bundle import Bundle
from server.exports.figures import plan_steps
from server.trace import Trace

IN_VAIN: Final = frozenset({CallState.FAILED, CallState.DENIED, CallState.UNKNOWN})
LINES_COMPARED: Final = 400  # of an answer; the time that it takes grows with their square

Item = TypeVar("Item")
Pair = tuple[Item, Item]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs, in numbers. `duration_ms` is None while it runs."""

    id: UUID
    request: str
    status: str
    strategy: str | None
    duration_ms: int | None
    models: list[str]
    model_calls: int
    prompt_tokens: int
    completion_tokens: int
    tool_calls: int
    writes_applied: int


@dataclass(frozen=True, slots=True)
class StepPair:
    """The steps of one number. `same` when both are described alike, by the same kind of agent, and ended alike."""

    number: int
    same: bool
    description: Pair[str | None]
    status: Pair[str | None]
    duration_ms: Pair[int | None]


@dataclass(frozen=True, slots=True)
class ToolPair:
    """What was called of one tool: how often, how often it failed or was denied, for how long in all."""

    tool: str
    calls: Pair[int]
    failed: Pair[int]
    duration_ms: Pair[int]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the answers: of both, or of the first or the second alone."""

    of: Literal["both", "first", "second"]
    text: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Both answers, line by line; `lines` is empty when they are the same, or too long to compare."""

    same: bool
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side."""

    runs: Pair[Side]
    steps: list[StepPair]
    tools: list[ToolPair]
    answers: Answers


def compared(first: Bundle, second: Bundle) -> Comparison:
    """Return what is different between two runs, and what is not."""
    return Comparison(
        runs=(_side(first), _side(second)),
        steps=_steps(first.trace, second.trace),
        tools=_tools(first.trace.tool_calls, second.trace.tool_calls),
        answers=_answers(first.answer, second.answer),
    )


def _side(bundle: Bundle) -> Side:
    run, sums = bundle.trace.run, bundle.sums
    took = None if run.finished_at is None else run.finished_at - run.created_at
    return Side(
        id=run.id,
        request=run.request,
        status=run.status,
        strategy=run.strategy,
        duration_ms=None if took is None else round(took / timedelta(milliseconds=1)),
        models=list(dict.fromkeys(call.model for call in bundle.trace.model_calls)),
        model_calls=sums.model_calls,
        prompt_tokens=sums.prompt_tokens,
        completion_tokens=sums.completion_tokens,
        tool_calls=sums.tool_calls,
        writes_applied=sums.writes_applied,
    )


def _steps(first: Trace, second: Trace) -> list[StepPair]:
    mine, theirs = ({step.number: step for step in plan_steps(trace)} for trace in (first, second))
    return [_step_pair(number, mine.get(number), theirs.get(number)) for number in sorted({*mine, *theirs})]


def _step_pair(number: int, one: PlanStep | None, other: PlanStep | None) -> StepPair:
    return StepPair(
        number=number,
        same=one is not None
        and other is not None
        and (one.description, one.by, one.status) == (other.description, other.by, other.status),
        description=(_described(one), _described(other)),
        status=(_status(one), _status(other)),
        duration_ms=(_took_ms(one), _took_ms(other)),
    )


def _described(step: PlanStep | None) -> str | None:
    return None if step is None else step.description


def _status(step: PlanStep | None) -> str | None:
    return None if step is None else step.status.value


def _took_ms(step: PlanStep | None) -> int | None:
    return None if step is None else step.took_ms


def _tools(first: Iterable[LedgerRow], second: Iterable[LedgerRow]) -> list[ToolPair]:
    calls, failed, took = (tuple(count(calls) for calls in ([*first], [*second])) for count in (_calls, _failed, _took))
    return [
        ToolPair(tool, _of(tool, calls), _of(tool, failed), _of(tool, took)) for tool in sorted({*calls[0], *calls[1]})
    ]


def _of(tool: str, counts: tuple[Mapping[str, int], ...]) -> Pair[int]:
    return counts[0].get(tool, 0), counts[1].get(tool, 0)


def _calls(rows: Iterable[LedgerRow]) -> Counter[str]:
    return Counter(row.tool for row in rows)


def _failed(rows: Iterable[LedgerRow]) -> Counter[str]:
    return Counter(row.tool for row in rows if row.state in IN_VAIN)


def _took(rows: Iterable[LedgerRow]) -> Counter[str]:
    took = Counter[str]()
    for row in rows:
        took[row.tool] += row.duration_ms or 0
    return took


def _answers(first: str, second: str) -> Answers:
    if first == second:
        return Answers(same=True, lines=[])
    mine, theirs = first.splitlines(), second.splitlines()
    if max(len(mine), len(theirs)) > LINES_COMPARED:
        return Answers(same=False, lines=[])
    lines: list[Line] = []
    for what, start, end, other_start, other_end in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if what == "equal":
            lines += [Line("both", text) for text in mine[start:end]]
        else:
            lines += [Line("first", text) for text in mine[start:end]]
            lines += [Line("second", text) for text in theirs[other_start:other_end]]
    return Answers(same=False, lines=lines)
