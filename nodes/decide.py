"""Node: the planner's next word, which is also the decision.

Reads `conversation_id`, `planner_id`, `turn`, `may_plan`, `announced`. Writes `turn`, `announced`, `route`, and
`reason` when the model calls are spent. Emits `analysis` (before the first text, and again when the strategy changes)
and `text`. Starts the read steps of a plan while the planner is still writing it; what they emit is held until
`make_plan`.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from langgraph.runtime import Runtime
from pydantic import JsonValue

from nodes.asking.answer_stream import CUT_OFF, AnswerStream
from nodes.asking.ask import Question, Stored, ask
from nodes.asking.conversation import REPEATS_BEFORE_STOP, Conversation, told
from nodes.asking.fallback import say_what_is_known
from nodes.asking.reply import Reply
from nodes.asking.wanted_route import PLAN_FIRST, reasoning
from nodes.planning.drafts import Outline, outline_of
from nodes.planning.early_steps import EarlySteps
from nodes.planning.rules import PLAN_TOOL, plan_schema
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import CallsSpent, ContentFiltered, ModelGaveNothing
from nodes.vocabulary.events import Analysed, AnalysisBody, Event, FinishedReason, Strategy
from nodes.vocabulary.model_failure import ModelFailure
from nodes.vocabulary.state import Route, State, Update
from persistence.runs import runs
from persistence.runs.runs import WantedRoute
from persistence.scope import Scope

EMPTY = "Your last answer was empty or cut off. Answer again, in fewer words."
ENOUGH = "Answer now with what you have; no more tools can be called."


async def decide(state: State, runtime: Runtime[Context]) -> Update:
    """Ask the planner what to do next, unless its answer is stored already.

    Raises:
        ModelFailure: no model answered, and there is nothing yet to answer with.
        ModelGaveNothing: two answers in a row were empty, and there is nothing yet to answer with.
        ContentFiltered: the provider stopped the answer.
    """
    context = runtime.context
    conversation = await Conversation.load(context, UUID(state["conversation_id"]))
    if conversation.awaits_model():
        said = _Said(context, state, conversation)
        try:
            async with said.stream.kept():
                await said.speak()
        except ContentFiltered as failure:
            if conversation.results:
                await say_what_is_known(context, failure)
            raise
        except (ModelFailure, ModelGaveNothing, CallsSpent) as failure:
            if not (said.stream.started or conversation.results):
                raise
            await said.early.drop()
            await said.stream.flush()
            await say_what_is_known(context, failure)
            spent = isinstance(failure, CallsSpent)
            reason = FinishedReason.BUDGET_EXHAUSTED if spent else FinishedReason.STOP
            return {"route": "finish", "reason": reason.value}
        if (route := _route(conversation)) != "make_plan":
            await said.early.drop()
        return {"route": route, "announced": said.announced, "turn": state["turn"] + 1}
    announced = await _stored_strategy(context)
    return {"route": _route(conversation), "announced": announced, "turn": state["turn"] + 1}


async def _stored_strategy(context: Context) -> str:
    """Return what an earlier attempt announced in the transaction that stored its answer."""
    async with context.writing() as scope:
        scope.ends_with_next()
        run = await runs.find(scope, context.run_id)
    assert run is not None, "the fence was just passed"
    assert run.strategy is not None, "it is stored with the answer"
    return run.strategy


class _Said:
    """One answer of the planner in the making."""

    def __init__(self, context: Context, state: State, conversation: Conversation) -> None:
        self._context = context
        self._state = state
        self._conversation = conversation
        self._reason = ""
        self.announced = state["announced"]
        self.early = EarlySteps(context, UUID(state["planner_id"]))
        self.stream = AnswerStream(context, str(state["turn"]), self._introduction)

    async def speak(self) -> None:
        """Ask, stream, store; announce the strategy when it is new."""
        reply = await self._reply()
        if reply.filtered:
            await self.stream.flush()
            raise ContentFiltered

    async def _keep(self, scope: Scope, reply: Reply) -> None:
        """Store an answer that says something, the rest of its text in front of it."""
        if reply.says_nothing or reply.filtered:
            return
        if reply.cut and reply.text:
            self.stream.add(CUT_OFF)
        await self.stream.flush_in(scope)
        strategy = self._strategy(reply)
        self._conversation.add_reply(scope, reply, "planner", UUID(self._state["planner_id"]))
        runs.set_strategy(scope, self._context.run_id, strategy)
        if strategy != self.announced:
            self._context.log.emit(scope, self._analysis(strategy, reply))

    async def _reply(self) -> Reply:
        try:
            reply = await self._ask(self._offered())
        except ModelFailure as failure:
            if failure.code != "model_refused" or self._state["turn"] or self.stream.started:
                raise
            self._reason = "The model refused tool calls, so it answers from the context alone."
            reply = await self._ask(())
        if reply.says_nothing and not reply.filtered:
            reply = await self._ask(self._offered(), PLAN_FIRST if self._must_plan else EMPTY)
        if reply.says_nothing and not reply.filtered:
            raise ModelGaveNothing
        return reply

    async def _ask(self, tools: Sequence[dict[str, JsonValue]], nudge: str = "") -> Reply:
        if not tools and self._conversation.results:
            nudge = ENOUGH
        if nudge:
            async with self._context.writing() as scope:
                self._conversation.add(scope, told(nudge))
        question = Question(
            UUID(self._state["planner_id"]), "decide", self._conversation.messages, tools, self._conversation.place
        )

        def meant(reply: Reply) -> Reply:
            if self._must_plan and tools:
                return replace(reply, calls=tuple(call for call in reply.calls if call.name == PLAN_TOOL))
            return reply if tools else replace(reply, calls=())

        async def keep(scope: Scope, reply: Reply) -> None:
            await self._keep(scope, meant(reply))

        context, early = self._context, self.early if self._may_plan else None
        return meant(await ask(context, context.planner, question, self.stream.tell, Stored(keep), overhearing=early))

    def _offered(self) -> list[dict[str, JsonValue]]:
        """Return the tools the planner may call now; none when it has gone in circles for long enough.

        None either when the person wants an answer at once, and none but the plan when they want that.
        """
        limits = self._context.limits
        if self._context.route is WantedRoute.ANSWER:
            return []
        if self._state["turn"] >= limits.planner_turns - 1 or self._conversation.repeats() >= REPEATS_BEFORE_STOP:
            return []
        plan = [plan_schema()] if self._may_plan else []
        if self._must_plan:
            return plan
        return [*self._context.registry.schemas(self._context.registry.names()), *plan]

    @property
    def _may_plan(self) -> bool:
        return self._state["may_plan"]

    @property
    def _must_plan(self) -> bool:
        return self._may_plan and self._context.route is WantedRoute.PLAN

    def _strategy(self, reply: Reply) -> Strategy:
        if any(call.name == PLAN_TOOL for call in reply.calls):
            return Strategy.COMPLEX
        if reply.calls or self._state["announced"]:
            return Strategy.TOOL_USE
        return Strategy.SIMPLE

    def _introduction(self) -> tuple[str, Event] | None:
        """Return what must stand before the first text: the first text is the decision, if there was none."""
        if self.announced:
            return None
        return self._analysis(Strategy.SIMPLE, None)

    def _analysis(self, strategy: Strategy, reply: Reply | None) -> tuple[str, Event]:
        self.announced = strategy.value
        calls = () if reply is None else reply.calls
        outline = next((outline_of(call.arguments) for call in calls if call.name == PLAN_TOOL), Outline("", 0))
        own = outline.reasoning or _reasoning(strategy, [call.name for call in calls])
        body = AnalysisBody(
            strategy=strategy,
            reasoning=self._reason or reasoning(self._context.route, strategy, own),
            estimated_operations=outline.steps or len(calls),
            requires_tools=strategy is not Strategy.SIMPLE,
            requires_executors=strategy is Strategy.COMPLEX,
        )
        return f"analysis:{self._state['turn']}:{strategy}", Analysed(analysis=body)


def _reasoning(strategy: Strategy, calls: Sequence[str]) -> str:
    match strategy:
        case Strategy.SIMPLE:
            return "Answered without looking anything up."
        case Strategy.TOOL_USE:
            return f"A few tool calls are enough: {', '.join(dict.fromkeys(calls))}."
        case Strategy.COMPLEX:
            return "Several things have to be looked at, so there is a plan."


def _route(conversation: Conversation) -> Route:
    names = [call.wanted.name for call in conversation.open_calls()]
    if PLAN_TOOL in names:
        return "make_plan"
    return "use_tools" if names else "finish"
