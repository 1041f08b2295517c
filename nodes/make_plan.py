"""Node: turn the planner's draft into a stored, validated plan.

Reads `conversation_id`, `planner_id`, `turn`. Writes `route`, `revision`, and `may_plan`, `announced` when it gives up.
Emits `plan_created`, and behind it what was held of the steps that began while the plan was being written; or
`analysis` when a second draft broke the rules and the request goes on with single tools; and when the person wanted
a plan, and it is one that takes no executors.
"""

from collections.abc import Sequence
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.asking.ask import Question, Stored, ask
from nodes.asking.conversation import Conversation, told
from nodes.asking.render import render
from nodes.asking.wanted_route import WITHOUT_EXECUTORS
from nodes.planning.draft_plans import abandon_draft, completed, kept_steps
from nodes.planning.drafts import close_calls, drafted
from nodes.planning.plan_rows import as_rows, plan_event
from nodes.planning.rules import is_chain, plan_schema, without_executors
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.events import Analysed, AnalysisBody, Event, Step, Strategy
from nodes.vocabulary.model_failure import ModelFailure
from nodes.vocabulary.state import State, Update
from persistence.record import plans
from persistence.record.plans import NewPlan, PlanRow
from persistence.runs import held_events
from persistence.runs.runs import WantedRoute
from persistence.scope import Scope
from tools.gateway import Store

NOT_RUN = "Not run: a plan was being made. Put it into a step if it is still needed."


async def make_plan(state: State, runtime: Runtime[Context]) -> Update:
    """Check the draft, let the planner mend it once, store and announce the plan; else go on without one."""
    context = runtime.context
    context.early.plan_is_whole.set()
    conversation = await Conversation.load(context, UUID(state["conversation_id"]))
    plan = await _begun(context)
    if plan is not None and not plan.is_draft:
        return {"route": "run_plan", "revision": plan.revision}
    try:
        steps = drafted(context, conversation)
    except PlanInvalid as refusal:
        await context.early.stop()
        try:
            steps = await _mended(context, conversation, state, refusal)
        except (PlanInvalid, ModelFailure) as second:
            return await _without_plan(context, conversation, state, second, plan)
    return await _stored(context, conversation, state, steps, plan)


async def _begun(context: Context) -> PlanRow | None:
    """Return the plan as an attempt before stored it, or as far as this one did while it was being written."""
    if context.memory.is_whole and not context.memory.is_drafted:
        return None
    async with context.writing() as scope:
        scope.ends_with_next()
        return await plans.begun(scope, context.run_id)


async def _mended(context: Context, conversation: Conversation, state: State, refusal: PlanInvalid) -> list[Step]:
    """Tell the planner every broken rule and read its second draft.

    Raises:
        PlanInvalid: the second draft breaks a rule too, or is none.
        ModelFailure: no model answered.
    """
    problems = "\n".join(f"- {problem}" for problem in refusal.problems)
    async with context.writing() as scope:
        close_calls(conversation, f"The plan was refused:\n{problems}", NOT_RUN)(scope)
        conversation.add(scope, told(render("repair", problems=problems)))
    planner_id = UUID(state["planner_id"])
    question = Question(planner_id, "repair", conversation.messages, [plan_schema()], conversation.place)
    await ask(context, context.planner, question, stored=Stored(conversation.keeping("planner", planner_id)))
    return drafted(context, conversation)


async def _stored(
    context: Context, conversation: Conversation, state: State, steps: list[Step], draft: PlanRow | None
) -> Update:
    alone = is_chain(steps)
    if alone:
        steps = without_executors(steps)
    kept = set[int]() if draft is None else kept_steps(draft, steps)
    await context.early.stop(but=kept)
    close = close_calls(conversation, f"The plan of {len(steps)} steps is stored and runs now.", NOT_RUN)
    lead = [_without_executors(state, len(steps))] if alone and context.route is WantedRoute.PLAN else []
    if draft is None:
        plan = _new(context, UUID(state["planner_id"]), steps, lead, close)
    else:
        async with context.writing() as scope:
            plan = await completed(scope, context.run_id, steps, kept)
            context.log.emit(scope, *lead, plan_event(plan, context.limits.event_bytes))
            if kept:
                context.log.append(scope, await held_events.take(scope, context.run_id))
            close(scope)
    return {"route": "run_plan", "revision": plan.revision}


def _new(
    context: Context, planner_id: UUID, steps: Sequence[Step], lead: Sequence[tuple[str, Event]], close: Store
) -> PlanRow:
    """Return a plan that is stored, and told of, with its first step."""
    new = NewPlan(
        session_id=context.session_id,
        run_id=context.run_id,
        planner_agent_id=planner_id,
        user_message=context.request,
        steps=as_rows(steps),
    )

    def store(scope: Scope) -> None:
        plans.insert(scope, new)
        context.log.emit(scope, *lead, plan_event(new.row, context.limits.event_bytes))
        close(scope)

    context.attempt.owe(store)
    context.memory.plan = new.row
    return new.row


def _without_executors(state: State, steps: int) -> tuple[str, Event]:
    """Say that the plan that the person wanted is one without executors."""
    body = AnalysisBody(
        strategy=Strategy.COMPLEX,
        reasoning=WITHOUT_EXECUTORS,
        estimated_operations=steps,
        requires_tools=True,
        requires_executors=False,
    )
    return f"analysis:{state['turn']}:without_executors", Analysed(analysis=body)


async def _without_plan(
    context: Context, conversation: Conversation, state: State, refusal: Exception, draft: PlanRow | None
) -> Update:
    """Go on with single tool calls, and say so."""
    reasons = " ".join(refusal.problems) if isinstance(refusal, PlanInvalid) else str(refusal)
    body = AnalysisBody(
        strategy=Strategy.TOOL_USE,
        reasoning=f"No sound plan came about, so single tool calls are used. {reasons}",
        estimated_operations=0,
        requires_tools=True,
        requires_executors=False,
    )
    async with context.writing() as scope:
        if draft is not None:
            await abandon_draft(scope, draft, context.run_id)
        close_calls(conversation, f"The plan was refused again. {reasons} Use the tools one by one.", NOT_RUN)(scope)
        if conversation.awaits_model() is False:
            conversation.add(scope, told("Go on without a plan: use the tools one by one."))
        context.log.emit(scope, (f"analysis:{state['turn']}:without_plan", Analysed(analysis=body)))
    return {"route": "decide", "may_plan": False, "announced": Strategy.TOOL_USE.value}
