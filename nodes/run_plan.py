"""Node: run the plan's steps, each the moment its own dependencies are done.

Reads `planner_id`, `revision`. Writes `route`. Emits `step_start`, `step_complete`, `executor_spawned`,
`executor_result`, `tool_call`, `tool_result`.
"""

from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.planning.calling import MAX_CALLS_AT_ONCE
from nodes.planning.plan_rows import steps_of
from nodes.planning.schedule import schedule
from nodes.planning.steps import Steps
from nodes.vocabulary.context import Context
from nodes.vocabulary.events import StepStatus
from nodes.vocabulary.pause import wait_for_person
from nodes.vocabulary.state import State, Update
from persistence.record import executions, plans
from persistence.record.executions import Execution
from persistence.record.plans import PlanRow
from persistence.runs import approvals

ENDED = {StepStatus.COMPLETED: True, StepStatus.FAILED: False, StepStatus.SKIPPED: False}


async def run_plan(state: State, runtime: Runtime[Context]) -> Update:
    """Run what is not finished; steps that ended before a crash or a pause keep their results.

    Stops the graph while a person has to decide on calls of the planner's own
    steps, once everything that does not depend on them has ended.
    """
    context, planner_id = runtime.context, UUID(state["planner_id"])
    context.early.plan_is_whole.set()
    steps, ran = await _run(context, planner_id)
    while steps.waiting:
        wait_for_person(steps.waiting[:MAX_CALLS_AT_ONCE])
        steps, ran = await _run(context, planner_id)
    failed = any(steps.by_number[number].status is not StepStatus.COMPLETED for number in ran)
    again = failed and state["revision"] <= context.limits.plan_revisions and not await _was_refused(context)
    return {"route": "replan" if again else "synthesise"}


async def _run(context: Context, planner_id: UUID) -> tuple[Steps, Collection[int]]:
    """Run the steps that have not ended, as far as they go; return them all, and which ones these were."""
    plan, tried = await _standing(context)
    steps = Steps(context, plan.id, planner_id, steps_of(plan), tried)
    early = context.early.by_number
    settled = {
        number: ENDED[step.status]
        for number, step in steps.by_number.items()
        if step.status in ENDED and number not in early
    }
    waits_for = {number: step.depends_on for number, step in steps.by_number.items()}
    own = {number for number, step in steps.by_number.items() if not step.executor_required}
    act = partial(_act, context, steps)
    await schedule(waits_for, act, settled=settled, places=context.early.places, alone=own, under_way={*early})
    context.memory.steps = [*steps.by_number.values()]
    return steps, waits_for.keys() - settled.keys() or waits_for.keys()


async def _standing(context: Context) -> tuple[PlanRow, Sequence[Execution]]:
    """Return the plan and what executors did for it, nothing when it was stored a moment ago."""
    if (new := context.memory.take_plan()) is not None:
        return new, ()
    async with context.writing() as scope:
        scope.ends_with_next()
        plan, tried = await scope.together(
            plans.of_run(scope, context.run_id), executions.of_run(scope, context.run_id)
        )
    assert plan is not None, "a plan was stored before it runs"
    return plan, tried


async def _act(context: Context, steps: Steps, number: int, blocked_by: int | None) -> bool | None:
    """Run a step, or wait for one that began while the plan was being written."""
    task = context.early.by_number.get(number)
    if task is None:
        return await steps.act(number, blocked_by)
    steps.by_number[number] = await task
    del context.early.by_number[number]
    return steps.by_number[number].status is StepStatus.COMPLETED


async def _was_refused(context: Context) -> bool:
    """Say whether a person said no to something in this run: another way to it is not looked for."""
    async with context.writing() as scope:
        scope.ends_with_next()
        return await approvals.said_no(scope, context.run_id)
