"""Node: the answer, from the results of the plan and the record of changes.

Reads `conversation_id`, `planner_id`, `turn`. Writes `route`. Emits `text`.
"""

from collections.abc import Sequence
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.asking.answer_stream import CUT_OFF, AnswerStream
from nodes.asking.ask import Question, Stored, ask
from nodes.asking.call_words import message_of
from nodes.asking.conversation import Conversation, told
from nodes.asking.fallback import say_what_is_known
from nodes.asking.render import render
from nodes.asking.reply import Reply
from nodes.planning.plan_rows import steps_of
from nodes.planning.results import shown
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import CallsSpent, ContentFiltered, ModelGaveNothing
from nodes.vocabulary.events import Step
from nodes.vocabulary.model_failure import ModelFailure
from nodes.vocabulary.state import State, Update
from persistence.record import plans
from persistence.runs import ledger
from persistence.runs.ledger import CallState, LedgerRow
from persistence.scope import Scope
from persistence.text import says_nothing


async def synthesise(state: State, runtime: Runtime[Context]) -> Update:
    """Stream the answer, unless it is stored already; when no model can write it, say what is known.

    Raises:
        ContentFiltered: the provider stopped the answer; what is known was said.
    """
    context = runtime.context
    conversation = await Conversation.load(context, UUID(state["conversation_id"]))
    if not conversation.awaits_model():
        return {"route": "finish"}
    prompt = _prompt(context, *await _recorded(context))
    if conversation.last_content != prompt:
        conversation.owe(told(prompt))
    stream = AnswerStream(context, "answer")
    try:
        async with stream.kept():
            await _speak(context, conversation, UUID(state["planner_id"]), stream)
    except (ModelFailure, ModelGaveNothing, CallsSpent, ContentFiltered) as failure:
        await stream.flush()
        await say_what_is_known(context, failure)
        if isinstance(failure, ContentFiltered):
            raise
    return {"route": "finish"}


async def _speak(context: Context, conversation: Conversation, planner_id: UUID, stream: AnswerStream) -> None:
    async def keep(scope: Scope, reply: Reply) -> None:
        if reply.filtered or says_nothing(reply.text):
            return
        if reply.cut:
            stream.add(CUT_OFF)
        await stream.flush_in(scope)
        conversation.add_reply(scope, reply, "planner", planner_id)

    question = Question(planner_id, "synthesise", conversation.messages, place=conversation.place)
    reply = await ask(context, context.planner, question, stream.tell, Stored(keep, conversation.pay))
    if reply.filtered:
        raise ContentFiltered
    if says_nothing(reply.text):
        raise ModelGaveNothing


async def _recorded(context: Context) -> tuple[Sequence[Step], Sequence[LedgerRow]]:
    """Return the steps of the plan as they stand, and the calls of the run: those that write, at least."""
    steps = context.memory.steps
    if steps is not None and context.memory.is_whole and not context.gateway.has_writes:
        return steps, ()
    async with context.writing() as scope:
        scope.ends_with_next()
        plan, calls = await scope.together(plans.of_run(scope, context.run_id), ledger.of_run(scope, context.run_id))
    assert plan is not None, "an answer is put together from a plan"
    return steps_of(plan), calls


def _prompt(context: Context, steps: Sequence[Step], calls: Sequence[LedgerRow]) -> str:
    writes = [call for call in calls if call.access == "write"]
    return render(
        "synthesise",
        results=shown(steps, context.limits.result_chars),
        changes=_listed([call for call in writes if call.state == CallState.APPLIED]),
        failures=_listed([call for call in writes if call.state != CallState.APPLIED]),
        request=context.request,
    )


def _listed(calls: Sequence[LedgerRow]) -> str:
    return "\n".join(f"- {call.tool}: {message_of(call)}" for call in calls) or "(none)"
