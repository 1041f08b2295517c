"""Which steps of a plan that was being written keep their work in the finished plan."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from nodes.planning.draft_plans import kept_steps
from nodes.planning.plan_rows import as_rows
from nodes.vocabulary.events import Step, StepStatus
from persistence.record.plans import DRAFT, PlanRow


def step(number: int, *after: int, words: str = "Look.") -> Step:
    """Give a step."""
    return Step(
        step_number=number,
        type="step",
        description=words,
        executor_required=True,
        tools=["list_tasks"],
        depends_on=list(after),
    )


def draft(*steps: Step) -> PlanRow:
    """Give a plan in which these steps began."""
    began = [each.model_copy(update={"status": StepStatus.EXECUTING}) for each in steps]
    moment = datetime(2026, 11, 27, tzinfo=UTC)
    return PlanRow(UUID(int=1), UUID(int=2), "Organise.", "complex", as_rows(began), DRAFT, "pending", moment, None)


@pytest.mark.parametrize(
    ("begun", "planned", "kept"),
    [
        pytest.param([step(1), step(2)], [step(1), step(2), step(3)], {1, 2}, id="the same"),
        pytest.param([step(1), step(2)], [step(1)], {1}, id="one is gone"),
        pytest.param([step(1), step(2)], [step(1), step(2, words="Other.")], {1}, id="one is another"),
        pytest.param([step(1), step(2, 1)], [step(1), step(2)], {1}, id="it waits for less now"),
        pytest.param(
            [step(1), step(2, 1), step(3, 2)],
            [step(1, words="Other."), step(2, 1), step(3, 2)],
            set[int](),
            id="all of them rest on another",
        ),
        pytest.param([], [step(1)], set[int](), id="nothing had begun"),
    ],
)
def test_a_step_keeps_its_work_when_all_it_rests_on_is_the_same(
    begun: list[Step], planned: list[Step], kept: set[int]
) -> None:
    """An executor's task is made of its step and of the results before it, so both have to be the same."""
    assert kept_steps(draft(*begun), planned) == kept
