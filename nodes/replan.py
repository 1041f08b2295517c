"""Node: look for another way when steps failed.

Reads `conversation_id`, `planner_id`, `revision`. Writes `revision`, `route`. Emits `plan_created` with a higher
revision when there is another way.
"""

from collections.abc import Sequence
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.asking.ask import Question, Stored, ask
from nodes.asking.conversation import Conversation, told
from nodes.asking.render import render
from nodes.planning.drafts import close_calls, drafted
from nodes.planning.plan_rows import as_rows, plan_event, steps_of
from nodes.planning.results import shown
from nodes.planning.rules import is_chain, plan_schema, without_executors
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import CallsSpent, PlanInvalid
from nodes.vocabulary.events import Step, StepStatus
from nodes.vocabulary.model_failure import ModelFailure
from nodes.vocabulary.state import State, Update
from persistence.record import plans


async def replan(state: State, runtime: Runtime[Context]) -> Update:
    """Ask the planner once for new steps; without sound ones the answer names what is missing."""
    context = runtime.context
    async with context.writing() as scope:
        plan = await plans.of_run(scope, context.run_id)
    assert plan is not None, "only a plan that ran is revised"
    if plan.revision > state["revision"]:
        return {"route": "run_plan", "revision": plan.revision}
    steps = steps_of(plan)
    conversation = await Conversation.load(context, UUID(state["conversation_id"]))
    try:
        new = await _other_way(context, conversation, UUID(state["planner_id"]), steps)
    except (PlanInvalid, ModelFailure, CallsSpent):
        async with context.writing() as scope:
            close_calls(conversation, "These steps cannot be run.", "Not run.")(scope)
            conversation.add(scope, told("Then it stays at the results there are."))
        return {"route": "synthesise"}
    async with context.writing() as scope:
        ended = [step for step in steps if step.status is not StepStatus.PENDING]
        revised = await plans.revise(scope, plan.id, plan.revision + 1, as_rows([*ended, *new]))
        assert revised is not None, "the fence lets one attempt revise a plan"
        close_calls(conversation, "The new steps are stored and run now.", "Not run.")(scope)
        context.log.emit(scope, plan_event(revised, context.limits.event_bytes))
    return {"route": "run_plan", "revision": revised.revision}


async def _other_way(
    context: Context, conversation: Conversation, planner_id: UUID, steps: Sequence[Step]
) -> list[Step]:
    """Return the sound new steps.

    Raises:
        PlanInvalid: there are none.
        ModelFailure: no model answered.
        CallsSpent: no model may be asked any more.
    """
    completed = [step for step in steps if step.status is StepStatus.COMPLETED]
    numbers = [step.step_number for step in steps]
    prompt = render(
        "replan",
        failures=shown(
            [step for step in steps if step.status is not StepStatus.COMPLETED], context.limits.result_chars
        ),
        results=shown(completed, context.limits.result_chars),
        next_number=str(max(numbers) + 1),
        completed=", ".join(str(step.step_number) for step in completed) or "(none)",
    )
    async with context.writing() as scope:
        conversation.add(scope, told(prompt))
    question = Question(planner_id, "replan", conversation.messages, [plan_schema()], conversation.place)
    await ask(context, context.planner, question, stored=Stored(conversation.keeping("planner", planner_id)))
    new = drafted(context, conversation, [step.step_number for step in completed])
    if taken := sorted({step.step_number for step in new} & set(numbers)):
        raise PlanInvalid([("duplicate_step", f"The numbers {taken} stand in the plan already.")])
    return without_executors(new) if is_chain(new) else new
