"""Run the tool calls of an answer and add their results to the conversation."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from nodes.asking.conversation import Conversation, OpenCall
from nodes.asking.intents import take_intents
from nodes.planning.cause import cause_of
from nodes.vocabulary.context import Context
from nodes.vocabulary.tracing import shown
from persistence.runs import ledger
from persistence.scope import Scope
from tools.errors import AwaitsPerson
from tools.gateway import Held, Holder, Store
from tools.tool import Access, ToolAnswer, refused

MAX_CALLS_AT_ONCE: Final = 16  # more in one breath is a loop, not a thought
TOO_MANY: Final = refused(
    f"Not run: only the first {MAX_CALLS_AT_ONCE} calls of one answer run. Ask again for this one.", "too_many_calls"
)


Frozen = Mapping[str, ledger.Frozen | Held]  # by the key of a call
NOTHING_FROZEN: Final[Frozen] = MappingProxyType({})


def freeze_reads(context: Context, scope: Scope, conversation: Conversation, holder: Holder) -> Frozen:
    """Write the calls of the last answer down with it, when all of them only read and are going to run."""
    calls = conversation.open_calls()
    if len(calls) > MAX_CALLS_AT_ONCE or not all(_only_reads(context, call) for call in calls):
        return NOTHING_FROZEN
    frozen = context.gateway.freeze(scope, holder, [call.asked for call in calls])
    return {call.asked.key: each for call, each in zip(calls, frozen, strict=True)}


async def run_open_calls(
    context: Context, conversation: Conversation, holder: Holder, frozen: Frozen = NOTHING_FROZEN
) -> list[UUID]:
    """Run the calls of the last answer that have no result yet, the first `MAX_CALLS_AT_ONCE` of them.

    Returns the calls that a person has to decide on first, all of the answer
    together; none when every call has its result. Those before the first of them
    have run by then, those behind it have not.

    Calls that only read run side by side. As soon as one of them may write, all
    run one after the other, in the order asked: "create it, then schedule it"
    has to mean that. `frozen` are those that were written down with the answer.
    """
    asked = conversation.open_calls()
    calls = asked[:MAX_CALLS_AT_ONCE]
    if all(_only_reads(context, call) for call in calls):
        answers = await _side_by_side(context, conversation, holder, calls, frozen)
    else:
        if any(context.gateway.rests_on_intents(holder, call.asked) for call in calls):
            await take_intents(context, holder.agent_id)
        answers = []
        for place, call in enumerate(calls, start=1):
            try:
                answers.append(await shown(call.asked, context.gateway.call(holder, call.asked)))
            except AwaitsPerson as waits:
                return [waits.call_id, *await _held(context, holder, calls[place:])]
    untold = {call.asked.key for call in conversation.open_calls()}
    answered = zip(asked, [*answers, *[TOO_MANY] * (len(asked) - len(answers))], strict=True)
    if left := [(call.wanted, answer) for call, answer in answered if call.asked.key in untold]:
        async with context.writing() as scope:
            for wanted, answer in left:
                conversation.add_result(scope, wanted, answer)
    return []


async def _held(context: Context, holder: Holder, calls: Sequence[OpenCall]) -> list[UUID]:
    held = [await context.gateway.held(holder, call.asked) for call in calls]
    return [call_id for call_id in held if call_id is not None]


async def _side_by_side(
    context: Context, conversation: Conversation, holder: Holder, calls: Sequence[OpenCall], frozen: Frozen
) -> list[ToolAnswer]:
    """Run calls that only read; what each comes to is stored in the conversation with its row in the ledger.

    What the only call of an agent's answer comes to is stored with what the agent does next: it asks its model.
    """
    has_next = len(calls) == 1 and holder.access is Access.READ

    async def run(call: OpenCall) -> ToolAnswer:
        async def keep(answer: ToolAnswer, store: Store) -> None:
            if has_next:
                held = isinstance(frozen.get(call.asked.key), Held)
                call_id = context.gateway.call_id(call.asked) if held else None
                conversation.owe_result(call.wanted, answer, store, call_id)
                return
            async with context.writing() as scope:
                store(scope)
                conversation.add_result(scope, call.wanted, answer)

        return await shown(call.asked, context.gateway.call(holder, call.asked, frozen.get(call.asked.key), keep))

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(call)) for call in calls]
    except ExceptionGroup as problems:
        raise cause_of(problems) from None
    return [task.result() for task in tasks]


def _only_reads(context: Context, call: OpenCall) -> bool:
    tool = context.registry.find(call.asked.tool)
    return tool is None or tool.access is Access.READ
