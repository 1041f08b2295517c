"""Plans and executions between their tables and their events."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import JsonValue

from nodes.vocabulary.events import (
    Event,
    ExecutorOutcome,
    ExecutorReturned,
    Plan,
    PlanCreated,
    PlanStatus,
    Step,
    Strategy,
    encoded,
)
from persistence.record.executions import Cost, Execution, Outcome
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


def plan_event(plan: PlanRow, most_bytes: int) -> tuple[str, Event]:
    """Return the event that announces this revision of a plan.

    When it would be too large, results lose their data: it was told when their steps ended.
    """
    steps = steps_of(plan)
    told = _created(plan, steps)
    if len(encoded(told, most_bytes).encode()) > most_bytes:
        told = _created(plan, [_without_data(step) for step in steps])
    return f"plan:{plan.revision}", told


def _without_data(step: Step) -> Step:
    if not isinstance(step.result, dict):
        return step
    return step.model_copy(update={"result": {"summary": step.result.get("summary")}})


def _created(plan: PlanRow, steps: Sequence[Step]) -> PlanCreated:
    shown = Plan(
        id=plan.id,
        session_id=plan.session_id,
        user_message=plan.user_message,
        strategy=Strategy(plan.strategy),
        steps=list(steps),
        status=PlanStatus(plan.status),
        revision=plan.revision,
        created_at=plan.created_at,
    )
    return PlanCreated(plan=shown)


def execution_event(execution: Execution) -> tuple[str, Event]:
    """Return the event that tells what an executor came to."""
    return executor_event(execution.executor_agent_id, execution.step_number, execution.outcome, execution.cost)


def executor_event(executor_id: UUID, step_number: int, outcome: Outcome, cost: Cost) -> tuple[str, Event]:
    """Return the event that tells what an executor came to, and at what cost."""
    told = ExecutorOutcome(
        executor_id=executor_id,
        success=outcome.success,
        data=outcome.result,
        error=outcome.error,
        tool_calls_made=cost.tool_calls_made,
        tokens_used=cost.tokens_used,
        duration_ms=cost.duration_ms,
    )
    returned = ExecutorReturned(executor_id=executor_id, step_number=step_number, result=told)
    return f"executor_result:{executor_id}", returned
