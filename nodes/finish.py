"""Node: hold the answer against the record before the run ends.

Reads nothing of the state. Writes nothing. Emits `text` when the answer has to be corrected. What follows (message,
plan, agents, usage, `done`) is one transaction behind the graph's last checkpoint: `graph/ending.py`.
"""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from nodes.asking.answer_stream import say
from nodes.asking.honesty import corrections
from nodes.vocabulary.context import Context
from nodes.vocabulary.state import State, Update
from persistence.runs import events, ledger
from persistence.runs.ledger import LedgerRow


async def finish(state: State, runtime: Runtime[Context]) -> Update:  # noqa: ARG001 - the shape of every node
    """Say behind the answer what it claims without a confirmation, and which writes failed."""
    context = runtime.context
    answer, calls = await _recorded(context)
    if missing := corrections(answer, calls):
        async with context.writing() as scope:
            await say(context, scope, "correction", missing)
    return {}


async def _recorded(context: Context) -> tuple[str, Sequence[LedgerRow]]:
    """Return the answer and the calls that it is held against, which are the writes."""
    if context.memory.is_whole and not context.gateway.has_writes:
        return context.memory.answer, ()
    async with context.writing() as scope:
        scope.ends_with_next()
        return await scope.together(events.texts(scope, context.run_id), ledger.of_run(scope, context.run_id))
