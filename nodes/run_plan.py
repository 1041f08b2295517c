"""Node: run the plan's steps, each the moment its own dependencies are done.

Reads `planner_id`, `revision`. Writes `route`. Emits `step_start`, `step_complete`, `executor_spawned`,
`executor_result`, `tool_call`, `tool_result`.
"""

from uuid import UUID

from langgraph.runtime import Runtime

from nodes.planning.plan_rows import steps_of
from nodes.planning.schedule import schedule
from nodes.planning.steps import Steps
from nodes.planning.unfinished import Because, close_executors
from nodes.vocabulary.context import Context
from nodes.vocabulary.events import StepStatus
from nodes.vocabulary.state import State, Update
from persistence.record import plans

ENDED = {StepStatus.COMPLETED: True, StepStatus.FAILED: False, StepStatus.SKIPPED: False}


async def run_plan(state: State, runtime: Runtime[Context]) -> Update:
    """Run what is not finished; steps that ended before a crash keep their results."""
    context = runtime.context
    async with context.writing() as scope:
        plan = await plans.of_run(scope, context.run_id)
        assert plan is not None, "a plan was stored before it runs"
        await close_executors(scope, context.log, context.run_id, Because.INTERRUPTED)
    steps = Steps(context, plan.id, UUID(state["planner_id"]), steps_of(plan))
    settled = {number: ENDED[step.status] for number, step in steps.by_number.items() if step.status in ENDED}
    waits_for = {number: step.depends_on for number, step in steps.by_number.items()}
    own = {number for number, step in steps.by_number.items() if not step.executor_required}
    await schedule(waits_for, steps.act, settled=settled, width=context.limits.plan_width, alone=own)
    ran = waits_for.keys() - settled.keys() or waits_for.keys()
    failed = any(steps.by_number[number].status is not StepStatus.COMPLETED for number in ran)
    again = failed and state["revision"] <= context.limits.plan_revisions
    return {"route": "replan" if again else "synthesise"}
