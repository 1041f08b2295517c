"""An agent at work on one step: model ⇄ tools, until it hands in a result.

A loop and no graph of its own: one took 1.0 ms of CPU for three turns of nothing, a
loop 0.1 (`tests/bench/overheads.py`), and there is nothing to checkpoint. What was said is stored message by message,
so after a crash its work goes on behind the last message stored.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, Literal
from uuid import UUID

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, RunnableLambda
from pydantic import Field, JsonValue

from nodes.asking.ask import Question, Stored, ask
from nodes.asking.conversation import REPEATS_BEFORE_STOP, Conversation, OpenCall, told
from nodes.asking.last_words import written_down
from nodes.asking.reply import Reply
from nodes.planning.calling import MAX_CALLS_AT_ONCE, NOTHING_FROZEN, Frozen, freeze_reads, run_open_calls
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import ContentFiltered
from nodes.vocabulary.tracing import is_heard
from persistence.errors import PersistenceError
from persistence.record.conversations import SenderType
from persistence.record.executions import Cost
from persistence.scope import Scope
from tools.arguments import arguments_of
from tools.errors import ArgumentsInvalid
from tools.fields import Visible
from tools.gateway import Holder, Store
from tools.tool import Access, Args, ToolAnswer, answered, function_schema, refused

SUBMIT_TOOL: Final = "submit_result"
SEEN_AFTER_SECONDS: Final = 0.05  # below what an eye notices, and longer than a reading call takes


class SubmitResult(Args):
    """Hand in what you found. This ends your work."""

    status: Literal["complete", "partial", "failed"] = Field(description="How far the task is done.")
    summary: Visible = Field(description="What you found, with the real names, ids, dates and counts.")
    data: dict[str, JsonValue] | None = Field(default=None, description="The rows that the plan needs.")
    open_questions: list[str] | None = Field(default=None, description="What is missing.")


@dataclass(slots=True)
class Work:
    """One agent's work on one step. `handed_in` and `failure` are what it comes to.

    It comes to neither while it is `waiting` for a person to decide on some calls. `cut` says that its last answer
    ended in the middle. `ending` stores the end of the work in the transaction that stores what was handed in;
    `ended` says that it did. `beginning` stores what comes before the work, in the transaction that reserves its
    first model call. `begun_at` is when that was, `calls` how many calls of tools followed, and `unsettled` what the
    answer in hand cost, in tokens.
    """

    context: Context
    conversation: Conversation
    agent_id: UUID
    sender: SenderType
    purpose: str
    models: tuple[BaseChatModel, ...]
    holder: Holder
    tools: Sequence[dict[str, JsonValue]]
    turns: int
    cut: bool = False
    handed_in: SubmitResult | None = None
    failure: str | None = None
    waiting: Sequence[UUID] = ()
    frozen: Frozen = field(default_factory=lambda: NOTHING_FROZEN)
    ending: Callable[[Scope, "Work"], Awaitable[None]] | None = None
    ended: bool = False
    beginning: Callable[[Scope], None] | None = None
    begun_at: float | None = None
    calls: int = 0
    unsettled: int = 0

    @property
    def is_over(self) -> bool:
        """Say whether it came to something, or waits."""
        return self.handed_in is not None or self.failure is not None or bool(self.waiting)

    def begin(self, scope: Scope) -> None:
        """Store what comes before a model call, or the end: how the work begins, or what its last call came to."""
        if self.beginning is not None:
            self.begun_at = monotonic()
            self.beginning(scope)
            scope.after_commit(self._has_begun)
        self.conversation.pay(scope)

    def _has_begun(self) -> None:
        self.beginning = None

    def cost(self) -> Cost | None:
        """Return what the work took when an answer hands its result in; None when it began in another attempt."""
        if self.begun_at is None:
            return None
        return Cost(
            tokens_used=self.context.memory.tokens[self.agent_id] + self.unsettled,
            duration_ms=round((monotonic() - self.begun_at) * 1000),
            tool_calls_made=self.calls,
            message_count=len(self.conversation),
        )

    async def keep(self, scope: Scope, reply: Reply) -> None:
        """Store an answer, and with it what it leads to: its calls written down, or what was handed in."""
        self.cut = reply.cut
        self.unsettled = 0 if reply.usage is None else reply.usage.total
        scope.after_commit(self._is_settled)
        self.conversation.add_reply(scope, reply, self.sender, self.agent_id)
        if reply.says_nothing and not reply.filtered:
            self.conversation.add(scope, told("Your last answer was empty or cut off. Go on."))
        elif not reply.filtered and self.hands_in():
            await self.take(scope)
        elif not reply.filtered and self.holder.access is Access.READ:
            self.frozen = freeze_reads(self.context, scope, self.conversation, self.holder)

    def hold(self, reply: Reply, settle: Store) -> bool:
        """Keep an answer back that asks for one reading call: it is stored with what that comes to.

        Only in a first attempt, which knows that nobody made the call before, and not of a run that goes by a record,
        which looks for the call.
        """
        context = self.context
        if not context.memory.is_whole or context.stand_in is not None or self.holder.access is not Access.READ:
            return False
        if reply.cut or reply.filtered or len(reply.calls) != 1 or reply.calls[0].name == SUBMIT_TOOL:
            return False
        if not context.gateway.is_unseen(reply.calls[0].name):
            return False
        self.cut = False
        self.conversation.owe_reply(reply, self.sender, self.agent_id, settle)
        [call] = self.conversation.open_calls()
        held, store = context.gateway.hold(self.holder, call.asked)
        self.conversation.owe_store(store)
        self.frozen = {call.asked.key: held}
        return True

    def _is_settled(self) -> None:
        self.unsettled = 0

    def hands_in(self) -> bool:
        """Say whether the last answer hands a result in."""
        return any(call.asked.tool == SUBMIT_TOOL for call in self.conversation.open_calls())

    async def take(self, scope: Scope) -> None:
        """Read what the last answer handed in and end the work with it; arguments that are none are sent back."""
        for call in self.conversation.open_calls():
            self.conversation.add_result(scope, call.wanted, self._read(call))
        if self.handed_in is not None and self.ending is not None:
            await self.ending(scope, self)
            scope.after_commit(self._has_ended)

    def _has_ended(self) -> None:
        self.ended = True

    def _read(self, call: OpenCall) -> ToolAnswer:
        if call.asked.tool != SUBMIT_TOOL or self.handed_in is not None:
            return refused("Not run: the result was handed in with it.", "not_run")
        try:
            self.handed_in = arguments_of(SUBMIT_TOOL, SubmitResult, call.asked.arguments)
        except ArgumentsInvalid as error:
            return refused(str(error), error.code)
        return answered("Taken.")


def _had_enough(work: Work) -> str | None:
    if work.conversation.repeats() >= REPEATS_BEFORE_STOP:
        return "It asked for the same thing again and again and was stopped."
    if work.conversation.turns >= work.turns:
        return f"It did not come to an end within {work.turns} answers."
    return None


def submit_schema() -> dict[str, JsonValue]:
    """Return the tool by which an executor hands in its result, as models are shown it."""
    return function_schema(SUBMIT_TOOL, SubmitResult)


async def _think(work: Work) -> None:
    """Let the model speak, unless it had enough."""
    work.failure = _had_enough(work)
    if work.failure is not None:
        return
    question = Question(work.agent_id, work.purpose, work.conversation.messages, work.tools, work.conversation.place)
    reply = await ask(work.context, work.models, question, stored=Stored(work.keep, work.begin, work.hold))
    if reply.filtered:
        work.failure = str(ContentFiltered())


async def _act(work: Work) -> None:
    """Run the calls of the last answer, or take what an earlier attempt stored and did not take."""
    if work.hands_in():
        async with work.context.writing() as scope:
            await work.take(scope)
    else:
        work.calls += min(len(work.conversation.open_calls()), MAX_CALLS_AT_ONCE)
        acting = run_open_calls(work.context, work.conversation, work.holder, work.frozen)
        work.waiting = await (_in_sight(work, acting) if work.conversation.owes else acting)


async def _in_sight(work: Work, acting: Coroutine[None, None, list[UUID]]) -> list[UUID]:
    """Make a call whose beginning is not stored yet; when it takes its time, store that, so that it is seen."""
    call = asyncio.create_task(acting)
    try:
        await asyncio.wait([call], timeout=SEEN_AFTER_SECONDS)
        if not call.done():
            await _paid(work)
    except BaseException:
        call.cancel()
        await asyncio.wait([call])
        raise
    return await call


async def _paid(work: Work) -> None:
    async with work.context.writing() as scope:
        work.conversation.pay(scope)


async def _through(work: Work) -> None:
    """Think and act by turns, on from the last message that is stored; an answer without calls is the result."""
    try:
        while not work.is_over:
            if work.conversation.awaits_model():
                await _think(work)
            elif work.conversation.open_calls():
                await _act(work)
            else:
                status: Literal["partial", "complete"] = "partial" if work.cut else "complete"
                work.handed_in = SubmitResult(status=status, summary=work.conversation.last_text)
    except PersistenceError:
        raise
    except BaseException:
        if work.conversation.owes:  # what was paid for, and the call that it led to, are known however this ends
            with suppress(PersistenceError):
                await written_down(_paid(work))
        raise


WORKER: Final = RunnableLambda(_through)


async def work_through(work: Work, name: str, tags: list[str]) -> None:
    """Have an agent work until it hands in a result, fails or waits; traces show it under `name`, with these tags.

    Raises:
        ModelFailure: no model answered.
        CallsSpent: the run made all the model calls it may.
    """
    if is_heard():
        await WORKER.ainvoke(work, RunnableConfig(run_name=name, tags=tags))
    else:
        await _through(work)
