"""The whole trace of a run, read from the tables: what was planned, done, said and spent."""

import json
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import JsonValue

from persistence.record import agents, conversations, executions, plans
from persistence.record.agents import Agent
from persistence.record.conversations import AgentMessage, Conversation
from persistence.record.executions import Execution
from persistence.record.plans import PlanRow
from persistence.runs import approvals, intents, ledger, runs, undo, usage
from persistence.runs.approvals import Approval, ApprovalCall
from persistence.runs.ledger import LedgerRow
from persistence.runs.undo import Undo
from persistence.runs.usage import ModelCall
from persistence.scope import Scope
from server.columns import columns_of
from server.prices import PRICES, Cost
from server.run_rows import RunRow, rows_of


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation of an agent, with what was said in it."""

    conversation: Conversation
    messages: list[AgentMessage]


@dataclass(frozen=True, slots=True)
class Asked:
    """One time the run waited for a person: the calls, and what was said of each."""

    approval: Approval
    calls: list[ApprovalCall]


@dataclass(frozen=True, slots=True)
class PricedCall(ModelCall):
    """A model call, and what it cost."""

    cost: Cost


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that is stored about a run, but for its event log."""

    run: RunRow
    plan: PlanRow | None
    agents: list[Agent]
    conversations: list[Talk]
    executions: list[Execution]
    tool_calls: list[LedgerRow]
    write_intents: list[JsonValue]
    approvals: list[Asked]
    model_calls: list[PricedCall]
    undos: list[Undo]


async def trace_of(scope: Scope, run_id: UUID) -> Trace | None:
    """Return the trace of a run, or None when there is none or it is someone else's."""
    run = await runs.find(scope, run_id)
    if run is None:
        return None
    [row] = await rows_of(scope, [run])
    return Trace(
        run=row,
        plan=await plans.begun(scope, run_id),
        agents=await agents.of_run(scope, run_id),
        conversations=[await _talk(scope, held) for held in await conversations.of_run(scope, run_id)],
        executions=await executions.of_run(scope, run_id),
        tool_calls=await ledger.of_run(scope, run_id),
        write_intents=json.loads(await intents.of_run(scope, run_id) or "[]"),
        approvals=[
            Asked(approval, await approvals.calls_of(scope, approval.id))
            for approval in await approvals.of_run(scope, run_id)
        ],
        model_calls=[_priced(call) for call in await usage.of_run(scope, run_id)],
        undos=await undo.of_run(scope, run_id),
    )


def names_of(trace: Trace) -> dict[UUID, str]:
    """Return what each agent goes by: executors by their step, “executor 3”."""
    names = {agent.id: agent.type for agent in trace.agents}
    return names | {done.executor_agent_id: f"executor {done.step_number}" for done in trace.executions}


def _priced(call: ModelCall) -> PricedCall:
    return PricedCall(**columns_of(call), cost=PRICES.cost([call]))


async def _talk(scope: Scope, conversation: Conversation) -> Talk:
    """What a thinking model thought is for the model only: it is kept, and shown to nobody."""
    said = await conversations.messages(scope, conversation.id)
    return Talk(conversation, [replace(message, reasoning=None) for message in said])
