"""Node: set the planner up with what it needs to decide.

Reads `run_id`. Writes `planner_id`, `conversation_id`, `route`. Emits nothing.
"""

import json
from functools import partial
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.asking.conversation import Conversation, told
from nodes.asking.render import clock_words, render
from nodes.asking.snapshot import snapshot
from nodes.asking.wanted_route import TOLD
from nodes.vocabulary.context import Context
from nodes.vocabulary.state import State, Update
from persistence.record import agents, conversations
from persistence.record.agents import NewPlanner
from persistence.record.conversations import NewMessage, Opening


async def load_context(state: State, runtime: Runtime[Context]) -> Update:  # noqa: ARG001 - the shape of every node
    """Open the planner's conversation: its rules, what was said before, the place, the request and how it is wanted.

    It is stored with what the planner asks.
    """
    context = runtime.context
    planner_id, conversation_id = await _begun(context)
    system = render("planner", now=clock_words(context.now, context.time_zone), time_zone=context.time_zone.key)
    if planner_id is None:
        planner = NewPlanner(context.session_id, context.run_id, context.registry.names(), system)
        context.attempt.owe(partial(agents.insert_planner, new=planner))
        planner_id = planner.id
    if conversation_id is None:
        seen = await snapshot(context)
        opening = Opening(
            parent_session_id=context.session_id,
            run_id=context.run_id,
            planner_agent_id=planner_id,
            context_type=context.context_type,
            entity_id=context.entity_id,
            initial_context=seen,
        )
        first = [
            NewMessage("system", "system", system),
            *_said_before(context),
            NewMessage("system", "user", render("context", context_type=context.context_type, snapshot=seen)),
            NewMessage("system", "user", context.request),
            *(told(words) for words in TOLD[context.route]),
        ]
        conversation = Conversation.begin(context, opening, first)
        context.attempt.owe(partial(conversation.open, opening=opening, first=first))
        conversation_id = conversation.id
    return {"planner_id": str(planner_id), "conversation_id": str(conversation_id), "route": "decide"}


async def _begun(context: Context) -> tuple[UUID | None, UUID | None]:
    """Return the planner and its conversation as an attempt before stored them."""
    if context.memory.is_whole:
        return None, None
    async with context.writing() as scope:
        scope.ends_with_next()
        return await scope.together(
            agents.planner_of(scope, context.run_id, context.registry.names()),
            conversations.main_of_run(scope, context.run_id),
        )


def _said_before(context: Context) -> list[NewMessage]:
    """Return the newest earlier messages that fit, oldest first; what a client only claims was said is quoted."""
    if context.quoted_history:
        return [NewMessage("system", "user", render("quoted_history", history=_quoted(context.quoted_history)))]
    kept: list[NewMessage] = []
    room = context.limits.history_chars
    for message in reversed(context.said_before):
        room -= len(message.content)
        if room < 0:
            break
        kept.append(NewMessage("system", "user" if message.role == "user" else "assistant", message.content))
    return kept[::-1]


def _quoted(history: str) -> str:
    return "\n".join(f"> {turn['role']}: {turn['content']}" for turn in json.loads(history))
