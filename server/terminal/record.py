"""Everything the tables hold about one run, read in one transaction."""

from dataclasses import dataclass
from uuid import UUID

from persistence.record import agents, conversations, executions, plans, sums
from persistence.record.agents import Agent
from persistence.record.conversations import AgentMessage, Conversation
from persistence.record.executions import Execution
from persistence.record.plans import PlanRow
from persistence.record.sums import Sums
from persistence.runs import ledger, runs, usage
from persistence.runs.ledger import LedgerRow
from persistence.runs.runs import Run
from persistence.runs.usage import ModelCall
from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class Record:
    """One run as the tables tell it."""

    run: Run
    agents: list[Agent]
    plan: PlanRow | None
    conversations: list[tuple[Conversation, list[AgentMessage]]]
    executions: list[Execution]
    tool_calls: list[LedgerRow]
    model_calls: list[ModelCall]
    sums: Sums


async def read_record(scope: Scope, run_id: UUID) -> Record | None:
    """Return a run's record, or None when there is no such run or it is someone else's."""
    run = await runs.find(scope, run_id)
    if run is None:
        return None
    plan = await plans.of_run(scope, run_id)
    held = await conversations.of_run(scope, run_id)
    return Record(
        run=run,
        agents=await agents.of_run(scope, run_id),
        plan=plan,
        conversations=[(one, await conversations.messages(scope, one.id)) for one in held],
        executions=[] if plan is None else await executions.of_plan(scope, plan.id),
        tool_calls=await ledger.of_run(scope, run_id),
        model_calls=await usage.of_run(scope, run_id),
        sums=await sums.of_run(scope, run_id),
    )
