"""Node: run the tool calls of the planner's last answer.

Reads `conversation_id`, `planner_id`. Writes `route`. Emits `tool_call` and `tool_result`.
"""

from uuid import UUID

from langgraph.runtime import Runtime

from nodes.asking.conversation import Conversation
from nodes.planning.calling import run_open_calls
from nodes.vocabulary.context import Context
from nodes.vocabulary.pause import wait_for_person
from nodes.vocabulary.state import State, Update
from tools.gateway import Holder
from tools.tool import Access


async def use_tools(state: State, runtime: Runtime[Context]) -> Update:
    """Call each tool the planner asked for; reads side by side, writes one at a time in the order asked.

    Stops the graph while a person has to decide on some of them.
    """
    context = runtime.context
    conversation = await Conversation.load(context, UUID(state["conversation_id"]))
    holder = Holder(UUID(state["planner_id"]), Access.WRITE, frozenset(context.registry.names()))
    while waiting := await run_open_calls(context, conversation, holder):
        wait_for_person(waiting)
    return {"route": "decide"}
