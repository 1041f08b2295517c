"""Two runs side by side."""

from dataclasses import replace
from typing import Final

import pytest

from server.comparing import LINES_COMPARED, Line, compared
from server.exports.bundle import Bundle, read_bundle
from tests.server.exports.test_bundle import RELEASED

RUN: Final = read_bundle(RELEASED.read_bytes())


def answering(answer: str) -> Bundle:
    """Return the run with another answer."""
    return replace(RUN, messages=[replace(each, content=answer) for each in RUN.messages if each.role == "assistant"])


def test_a_run_is_the_same_as_itself() -> None:
    """Beside itself nothing of it differs."""
    comparison = compared(RUN, RUN)
    assert comparison.runs[0] == comparison.runs[1]
    assert all(step.same and len({*step.duration_ms}) == 1 for step in comparison.steps)
    assert all(tool.calls[0] == tool.calls[1] > 0 for tool in comparison.tools)
    assert comparison.answers.same


def test_what_only_one_has_is_said_to_be_missing_in_the_other() -> None:
    """A run without a plan and without calls has none of the other's steps and tools."""
    bare = replace(RUN, trace=replace(RUN.trace, plan=None, tool_calls=[]))
    comparison = compared(RUN, bare)
    assert [step.description[1] for step in comparison.steps] == [None] * 3
    assert not any(step.same for step in comparison.steps)
    assert [tool.calls for tool in comparison.tools] == [(1, 0)] * 3


def test_a_step_that_ended_otherwise_is_not_the_same() -> None:
    """The same words are not enough."""
    plan = RUN.trace.plan
    assert plan is not None
    failed = [{**step, "status": "failed"} if step["stepNumber"] == 2 else step for step in plan.steps]
    other = replace(RUN, trace=replace(RUN.trace, plan=replace(plan, steps=failed)))
    assert [step.same for step in compared(RUN, other).steps] == [True, False, True]
    assert compared(RUN, other).steps[1].status == ("completed", "failed")


@pytest.mark.parametrize(
    ("first", "second", "lines"),
    [
        pytest.param("a\nb", "a\nc", [("both", "a"), ("first", "b"), ("second", "c")], id="one line is another"),
        pytest.param("a", "a\nb", [("both", "a"), ("second", "b")], id="one line more"),
        pytest.param("", "a", [("second", "a")], id="no answer and one"),
        pytest.param("a\n" * (LINES_COMPARED + 1), "b", [], id="too long to compare"),
    ],
)
def test_answers_are_compared_line_by_line(first: str, second: str, lines: list[tuple[str, str]]) -> None:
    """Each line says whose it is; both answers can be read from it."""
    answers = compared(answering(first), answering(second)).answers
    assert not answers.same
    assert [(line.of, line.text) for line in answers.lines] == lines
    assert all(isinstance(line, Line) for line in answers.lines)
