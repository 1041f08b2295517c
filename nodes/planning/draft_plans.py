"""A plan that is still being written, between its row and what the finished plan makes of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from nodes.planning.plan_rows import as_row, as_rows, steps_of
from nodes.vocabulary.events import Step, StepStatus
from persistence.record import agents, conversations, executions, plans
from persistence.record.plans import PlanRow
from persistence.runs import held_events, ledger
from persistence.runs.ledger import CallState, CameTo
from persistence.scope import Scope
from tools.tool import answer_text, refused

IN_NO_PLAN: Final = "Not finished: the plan came out without this step."


def kept_steps(draft: PlanRow, steps: Iterable[Step]) -> set[int]:
    """Return which steps of a draft keep their work: those that stand in the plan as they were, like all they rest on.

    A step whose number stands for something else now, or whose dependencies do, begins anew.
    """
    begun = {step.step_number: _as_drafted(step) for step in steps_of(draft)}
    same = {step.step_number: step for step in steps if begun.get(step.step_number) == step}
    for _ in begun:
        same = {number: step for number, step in same.items() if same.keys() >= set(step.depends_on)}
    return set(same)


def _as_drafted(step: Step) -> Step:
    return step.model_copy(update={"status": StepStatus.PENDING, "result": None, "error": None})


async def completed(scope: Scope, run_id: UUID, steps: Sequence[Step], kept: Collection[int]) -> PlanRow:
    """Put the finished plan in place of its draft; return it as it is told, with nothing begun.

    Work on the `kept` steps goes on where it stands; work on others is abandoned,
    and nobody may be at it any more.
    """
    draft = await plans.begun(scope, run_id)
    assert draft is not None, "the plan of this run was begun"
    begun = {step.step_number: step for step in steps_of(draft)}
    if dropped := begun.keys() - set(kept):
        await abandon_steps(scope, run_id, draft.id, dropped)
    rows = [as_row(begun[step.step_number] if step.step_number in kept else step) for step in steps]
    plan = await plans.revise(scope, draft.id, draft.revision + 1, rows)
    assert plan is not None, "the fence lets one attempt revise a plan"
    return replace(plan, steps=as_rows(steps), status="pending")


async def abandon_draft(scope: Scope, draft: PlanRow, run_id: UUID) -> None:
    """End all work on a plan that does not come about; nobody may be at it any more."""
    await abandon_steps(scope, run_id, draft.id, {step.step_number for step in steps_of(draft)})


async def abandon_steps(scope: Scope, run_id: UUID, plan_id: UUID, numbers: Collection[int]) -> None:
    """Close what was begun of a draft's steps, and take them out. Nobody was told of them, and nobody is."""
    begun = [each for each in await executions.of_run(scope, run_id) if each.step_number in numbers]
    for execution in begun:
        if execution.status == "executing":
            agents.finish(scope, execution.executor_agent_id, "failed")
            conversations.finish(scope, execution.agent_session_id, "failed")
    executions.abandon(scope, [execution.id for execution in begun], IN_NO_PLAN)
    agent_ids = {execution.executor_agent_id for execution in begun}
    answer = refused(IN_NO_PLAN, "not_run")
    for call in await ledger.open_of_run(scope, run_id):
        if call.agent_id in agent_ids:
            ledger.settle(scope, call.id, CameTo(CallState.FAILED, answer_text(answer), answer.code, 0))
    held_events.drop(scope, run_id, numbers)
    plans.drop_steps(scope, plan_id, numbers)
