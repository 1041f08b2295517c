"""The answer that needs no model."""

from typing import Final

from nodes.asking.fallback import RESULT_CHARS, answer_from_results
from nodes.asking.honesty import corrections
from nodes.vocabulary.errors import ModelGaveNothing
from nodes.vocabulary.events import Step, StepStatus
from nodes.vocabulary.model_failure import ModelFailure
from tests.nodes.asking.ledger_rows import CREATED, NOTED, failed, read

DOWN: Final = ModelFailure("model_unavailable", retryable=True)


def ended(number: int, status: StepStatus, *, result: str | None = None, error: str | None = None) -> Step:
    """Give a step as the plan keeps it."""
    return Step(
        step_number=number,
        type="gather",
        description=f"Part {number}",
        executor_required=True,
        tools=[],
        depends_on=[],
        status=status,
        result=None if result is None else {"summary": result},
        error=error,
    )


def test_it_says_what_was_found_what_was_not_and_what_was_changed() -> None:
    """Every step is told of, with its reason where it has none to show; changes come from the ledger."""
    steps = [
        ended(1, StepStatus.COMPLETED, result="Five are overdue."),
        ended(2, StepStatus.FAILED, error="It took too long."),
        ended(3, StepStatus.SKIPPED, error="Skipped because step 2 did not succeed."),
        ended(4, StepStatus.PENDING),
    ]
    assert answer_from_results(DOWN, steps, [read(), CREATED, NOTED]) == (
        "The answer could not be written in full. The model provider did not give a usable answer.\n\n"
        "What was found:\n"
        "- Part 1: Five are overdue.\n"
        "- Part 2: not done. It took too long.\n"
        "- Part 3: not done. Skipped because step 2 did not succeed.\n"
        "- Part 4: not reached.\n\n"
        "What was changed:\n"
        "- Created the task “Water the plants”.\n"
        "- Created the note “Garden”."
    )


def test_without_a_plan_it_says_what_the_tools_said() -> None:
    """A request that was done with single calls is told by their sentences."""
    told = answer_from_results(ModelGaveNothing(), [], [read("3 tasks match."), CREATED])
    assert "What was found:\n- 3 tasks match." in told
    assert "What was changed:\n- Created the task" in told


def test_without_anything_it_says_why() -> None:
    """Nothing found and nothing changed leaves the reason."""
    assert (
        answer_from_results(ModelGaveNothing(), [], [])
        == f"The answer could not be written in full. {ModelGaveNothing()}"
    )


def test_a_failed_write_is_no_change() -> None:
    """What was refused is not told as done; it is named behind the answer, as behind any other."""
    lost = [failed("create_task", {"title": "Paint"}, "There is no such project.")]
    told = answer_from_results(DOWN, [], lost)
    assert "changed" not in told
    assert corrections(told, lost) == "Not done: create_task. There is no such project."


def test_what_it_says_was_changed_agrees_with_the_record() -> None:
    """The answer put together from the ledger is not corrected by it."""
    assert corrections(answer_from_results(DOWN, [], [CREATED, NOTED]), [CREATED, NOTED]) == ""


def test_it_stays_readable() -> None:
    """A dozen results of any length are still an answer."""
    steps = [ended(number, StepStatus.COMPLETED, result="x" * 10_000) for number in range(12)]
    assert len(answer_from_results(DOWN, steps, [])) < 12 * (RESULT_CHARS + 200)
