"""What was under way when the work on it stopped, closed honestly in the caller's transaction.

No call, executor or step stays on the screen as if somebody were still at it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

from nodes.planning.draft_plans import abandon_draft
from nodes.planning.plan_rows import as_row, execution_event, steps_of
from nodes.vocabulary.events import Step, StepCompleted, StepStatus
from nodes.vocabulary.journal import ToolEvents
from nodes.vocabulary.log import EventLog
from persistence.record import agents, executions, plans
from persistence.record.plans import PlanRow
from persistence.runs import ledger
from persistence.runs.ledger import CameTo, LedgerRow
from persistence.scope import Scope
from tools.gateway import Holder
from tools.outcomes import outcome_unknown, state_of
from tools.tool import Access, ToolAnswer, answer_text, refused


class Because(Enum):
    """Why the work stopped: the code of what it leaves open, and the words for it."""

    STOPPED = ("cancelled", "the run was stopped")
    FAILED = ("run_failed", "the run ended by an error")
    ANSWERED = ("run_ended", "the run ended")

    def __init__(self, code: str, words: str) -> None:
        self.code: Final = code
        self.words: Final = words


@dataclass(frozen=True, slots=True)
class Open:
    """What may be open of a run: its plan, if it has one, calls without an outcome, and whether executors are."""

    plan: PlanRow | None
    calls: Sequence[LedgerRow]
    has_executors: bool


async def close_everything(scope: Scope, log: EventLog, run_id: UUID, open_now: Open, because: Because) -> None:
    """End whatever of a run is open; nothing of it may be at work any more."""
    plan, open_calls = open_now.plan, open_now.calls
    if plan is not None and plan.is_draft:
        await abandon_draft(scope, plan, run_id)
        plan, open_calls = None, await ledger.open_of_run(scope, run_id)
    workers = await agents.of_run(scope, run_id) if open_calls else []
    executors = {agent.id for agent in workers if agent.type == "executor"}
    for call in open_calls:
        _close_call(scope, log, call, because, by_executor=call.agent_id in executors)
    if open_now.has_executors:
        for execution in await executions.abandon_open(scope, run_id, f"Not finished: {because.words}."):
            log.emit(scope, execution_event(execution))
    for step in [] if plan is None else steps_of(plan):
        ended = _ended(step, because)
        if plan is not None and ended is not step:
            plans.put_step(scope, plan.id, step.step_number, as_row(ended))
            log.emit(scope, (f"step_complete:{step.step_number}", StepCompleted(step=ended)))


def _close_call(scope: Scope, log: EventLog, call: LedgerRow, because: Because, *, by_executor: bool) -> None:
    answer = _came_to(call, because)
    holder = Holder(call.agent_id, Access(call.access), frozenset(), call.step_number, is_executor=by_executor)
    ledger.settle(scope, call.id, CameTo(state_of(answer), answer_text(answer), answer.code, 0))
    ToolEvents(log).returned(scope, holder, call.id, answer, 0)


def _came_to(call: LedgerRow, because: Because) -> ToolAnswer:
    """Say what is certain: a local write that took effect has its outcome, an external one that began need not."""
    if call.started_at is not None and call.access == Access.WRITE:
        return outcome_unknown(call.tool)
    words = "Not finished: {}." if call.access == Access.READ else "Not done: {} before it."
    return refused(words.format(because.words), because.code)


def _ended(step: Step, because: Because) -> Step:
    match step.status:
        case StepStatus.EXECUTING:
            return step.model_copy(update={"status": StepStatus.FAILED, "error": f"Not finished: {because.words}."})
        case StepStatus.PENDING:
            return step.model_copy(update={"status": StepStatus.SKIPPED, "error": f"Not begun: {because.words}."})
        case _:
            return step
