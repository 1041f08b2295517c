"""Plans between their table and their event."""

import json
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nodes.planning.plan_rows import as_row, as_rows, plan_event, steps_of
from nodes.vocabulary.events import EVENT_MAX_BYTES, Step, StepStatus, encoded
from persistence.record.plans import PlanRow

ID: Final = UUID(int=1)
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
STEPS: Final = st.builds(
    Step,
    description=TEXTS,
    error=TEXTS | st.none(),
    status=st.sampled_from(StepStatus),
    result=st.none() | TEXTS | st.dictionaries(TEXTS, st.integers(0, 9) | TEXTS, max_size=3),
)


def row(steps: list[Step], revision: int = 1) -> PlanRow:
    """Give a plan as its table holds it."""
    return PlanRow(
        id=ID,
        session_id=ID,
        user_message="Organise.",
        strategy="complex",
        steps=as_rows(steps),
        revision=revision,
        status="executing",
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        completed_at=None,
    )


@given(st.lists(STEPS, max_size=4))
def test_steps_come_back_from_the_table_as_they_were(steps: list[Step]) -> None:
    """What is stored is what was meant, with whatever a step came to."""
    assert steps_of(row(steps)) == steps


@given(STEPS)
def test_the_table_holds_what_the_events_show(step: Step) -> None:
    """A step's row and its event are one JSON: empty fields are left out of both."""
    event = json.loads(encoded(plan_event(row([step]), EVENT_MAX_BYTES)[1]))
    assert event["plan"]["steps"] == [as_row(step)]


def test_each_revision_is_announced_once() -> None:
    """The key of the event names the revision, so a plan that is announced again after a crash is not told twice."""
    assert [plan_event(row([], revision), EVENT_MAX_BYTES)[0] for revision in (1, 2)] == ["plan:1", "plan:2"]
