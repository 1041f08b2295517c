"""What is kept of a step's result, and what later prompts show of it."""

import json
from typing import Final, Literal
from uuid import UUID

import pytest
from pydantic import JsonValue

from nodes.planning.results import MAX_QUESTIONS, kept, reason, shown
from nodes.planning.worker import SubmitResult
from nodes.vocabulary.events import EVENT, ExecutorOutcome, ExecutorReturned, Step, StepCompleted, StepStatus, encoded

MAX_EVENT_BYTES: Final = 32 * 1024
ID: Final = UUID(int=1)
WIDEST: Final = ["a", "\x01", "ü", "語", "😀", '"']


def result(
    summary: str = "Five tasks.",
    *,
    status: Literal["complete", "partial", "failed"] = "complete",
    data: dict[str, JsonValue] | None = None,
    questions: list[str] | None = None,
) -> SubmitResult:
    """Give what an executor hands in."""
    return SubmitResult(status=status, summary=summary, data=data, open_questions=questions)


def ended(number: int, status: StepStatus, outcome: JsonValue = None, error: str | None = None) -> Step:
    """Give a step that ended."""
    return Step(
        step_number=number,
        type="gather",
        description=f"Part {number}",
        executor_required=True,
        tools=["list_tasks"],
        depends_on=[],
        status=status,
        result=outcome,
        error=error,
    )


def test_a_result_is_kept_as_it_was_handed_in() -> None:
    """What fits is kept whole; what was not handed in is left out."""
    assert kept(result()) == {"status": "complete", "summary": "Five tasks."}
    whole = kept(result(status="partial", data={"ids": ["a"]}, questions=["Which year?"]))
    assert whole == {
        "status": "partial",
        "summary": "Five tasks.",
        "data": {"ids": ["a"]},
        "open_questions": ["Which year?"],
    }


def test_data_that_is_too_large_is_left_out_and_said_so() -> None:
    """Half of some data would be other data: it goes as a whole, and the summary stands."""
    rows: list[JsonValue] = ["x" * 100] * 1_000
    large = kept(result(data={"rows": rows}))
    assert large["summary"] == "Five tasks."
    assert "too large" in str(large["data"])


@pytest.mark.parametrize("letter", WIDEST)
def test_no_result_makes_an_event_too_large(letter: str) -> None:
    """Ten megabytes in any script stay an event below 32 KB, twice as long words of the step included."""
    flood = letter * 10_000
    handed_in = result("a" + flood * 10, status="failed", data={"all": flood}, questions=[flood] * 99)
    body, error = kept(handed_in), reason(handed_in)
    outcome = ExecutorOutcome(
        executor_id=ID, success=False, data=body, error=error, tool_calls_made=1, tokens_used=1, duration_ms=1
    )
    step = ended(1, StepStatus.FAILED, body, error)
    for event in (ExecutorReturned(executor_id=ID, step_number=1, result=outcome), StepCompleted(step=step)):
        assert len(encoded(event).encode()) < MAX_EVENT_BYTES
        assert EVENT.validate_json(encoded(event)) == event, "nothing had to be cut from it"
    assert isinstance(body["open_questions"], list)
    assert len(body["open_questions"]) == MAX_QUESTIONS


def test_what_cannot_be_stored_is_replaced() -> None:
    """NUL and lone surrogates stay out of results, in keys too."""
    body = kept(result("a\x00", data={"k\ud800": "v\x00"}, questions=["q\x00"]))
    assert body == {"status": "complete", "summary": "a�", "data": {"k�": "v�"}, "open_questions": ["q�"]}
    assert reason(result("a\x00", status="failed")) == "a�"


def test_nothing_handed_in_is_a_reason() -> None:
    """An executor that ends without a result is told of as that."""
    assert reason(None) == "It handed in nothing."


def test_later_prompts_show_results_and_reasons() -> None:
    """A completed step shows its result, another its status and its error."""
    rows = json.loads(
        shown(
            [
                ended(1, StepStatus.COMPLETED, {"status": "complete", "summary": "Five.", "data": {"n": 5}}),
                ended(2, StepStatus.FAILED, error="Too slow."),
                ended(3, StepStatus.SKIPPED, error="Skipped because step 2 did not succeed."),
            ],
            1_000,
        )
    )
    assert rows == [
        {"stepNumber": 1, "description": "Part 1", "status": "completed", "summary": "Five.", "data": {"n": 5}},
        {"stepNumber": 2, "description": "Part 2", "status": "failed", "error": "Too slow."},
        {
            "stepNumber": 3,
            "description": "Part 3",
            "status": "skipped",
            "error": "Skipped because step 2 did not succeed.",
        },
    ]


def test_a_long_result_loses_its_data_first_then_its_end() -> None:
    """The summary is what a later step needs most."""
    outcome: JsonValue = {"status": "complete", "summary": "s" * 50, "data": {"n": "d" * 500}}
    (row,) = json.loads(shown([ended(1, StepStatus.COMPLETED, outcome)], 100))
    assert (row["summary"], "data" in row) == ("s" * 50, False)
    (row,) = json.loads(shown([ended(1, StepStatus.COMPLETED, outcome)], 20))
    assert row["summary"] == "s" * 19 + "…"


def test_no_steps_are_an_empty_list() -> None:
    """A step that depends on nothing is shown nothing."""
    assert shown([], 100) == "[]"
