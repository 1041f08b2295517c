"""Plans between their table and their event."""

from collections.abc import Sequence

from pydantic import JsonValue

from nodes.vocabulary.events import Event, Plan, PlanCreated, PlanStatus, Step, Strategy
from persistence.record.plans import PlanRow


def as_rows(steps: Sequence[Step]) -> list[dict[str, JsonValue]]:
    """Return steps as the `steps` column holds them."""
    return [as_row(step) for step in steps]


def as_row(step: Step) -> dict[str, JsonValue]:
    """Return one step as the `steps` column holds it: what the events show, without empty fields."""
    row: dict[str, JsonValue] = step.model_dump(mode="json", by_alias=True, exclude_none=True)
    return row


def steps_of(plan: PlanRow) -> list[Step]:
    """Return a plan's steps."""
    return [Step.model_validate(step) for step in plan.steps]


def plan_event(plan: PlanRow) -> tuple[str, Event]:
    """Return the event that announces this revision of a plan."""
    shown = Plan(
        id=plan.id,
        session_id=plan.session_id,
        user_message=plan.user_message,
        strategy=Strategy(plan.strategy),
        steps=steps_of(plan),
        status=PlanStatus(plan.status),
        revision=plan.revision,
        created_at=plan.created_at,
    )
    return f"plan:{plan.revision}", PlanCreated(plan=shown)
