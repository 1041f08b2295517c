"""The ends of a run: each one transaction with the record closed, the usage added up and one terminal event.

An answered run ends here and not in a node: LangGraph writes its last checkpoint
behind the last node, and nothing of a run may be written behind its end.
"""

from typing import Literal
from uuid import UUID

from nodes.planning.unfinished import Because, Open, close_everything
from nodes.vocabulary.events import Done, Failed, FinishedReason, UsageBody
from nodes.vocabulary.log import EventLog, Told
from persistence import checkpoints
from persistence.attempts import Attempt
from persistence.pools import Database
from persistence.record import agents, conversations, executions, messages, plans
from persistence.record.plans import PlanRow
from persistence.runs import approvals, events, ledger, runs, usage
from persistence.runs.approvals import ApprovalStatus
from persistence.runs.runs import Run, RunStatus
from persistence.runs.usage import Usage
from persistence.scope import Identity, Role, Scope

SOMETHING_WENT_WRONG = "Something went wrong. The request was stopped; what was changed until then stays changed."


async def end_answered(attempt: Attempt, told: Told, reason: FinishedReason) -> None:
    """End a run with its answer, stored exactly as it was streamed; as cancelled when a person stopped it meanwhile."""
    async with attempt.writing() as scope:
        await _end_with_text(scope, attempt.run_id, EventLog(told), reason)


async def end_cancelled(database: Database, identity: Identity, told: Told) -> None:
    """End a run that a person stopped: what was said, done and spent stays; what was open is closed."""
    async with database.acting(Role.WORKER, identity) as scope:
        await _end_with_text(scope, run_id_of(identity), EventLog(told), FinishedReason.CANCELLED)


async def end_failed(
    database: Database,
    identity: Identity,
    told: Told,
    code: str,
    *,
    retryable: bool,
    text: str = SOMETHING_WENT_WRONG,
) -> None:
    """End a run by an `error` event; `text` is shown to the person. What was said until then stays."""
    run_id, log = run_id_of(identity), EventLog(told)
    async with database.acting(Role.WORKER, identity) as scope:
        run, said, left, _ = await _standing(scope, run_id)
        _keep_answer(scope, run, said)
        await close_everything(scope, log, run_id, left, Because.FAILED)
        _close_record(scope, run_id, left.plan, "failed")
        log.emit(scope, ("end", Failed(error=text, code=code, retryable=retryable)))
        runs.finish(scope, run_id, RunStatus.ERROR, error_code=code)


def run_id_of(identity: Identity) -> UUID:
    """Return the run that an identity names."""
    assert identity.run_id is not None, "a turn is of a run"
    return identity.run_id


async def _end_with_text(scope: Scope, run_id: UUID, log: EventLog, reason: FinishedReason) -> None:
    run, said, left, spent = await _standing(scope, run_id)
    if run.cancel_requested_at is not None:
        reason = FinishedReason.CANCELLED  # it was acknowledged: nothing else may be told
    elif run.budget_spent_at is not None:
        reason = FinishedReason.BUDGET_EXHAUSTED
    stopped = reason is FinishedReason.CANCELLED
    _keep_answer(scope, run, said)
    await close_everything(scope, log, run_id, left, Because.STOPPED if stopped else Because.ANSWERED)
    _close_record(scope, run_id, left.plan, "failed" if stopped else "completed")
    log.emit(scope, ("end", Done(usage=told_of(spent), finished_reason=reason)))
    runs.finish(scope, run_id, RunStatus.CANCELLED if stopped else RunStatus.DONE, reason=reason)


async def _standing(scope: Scope, run_id: UUID) -> tuple[Run, str, Open, Usage]:
    """Return a run, the answer that it streamed, what it leaves open and what it used; its model calls are settled."""
    usage.settle_open(scope, run_id)
    run, said, plan, calls, has_executors, spent = await scope.together(
        runs.find(scope, run_id),
        events.texts(scope, run_id),
        plans.begun(scope, run_id),
        ledger.open_of_run(scope, run_id),
        executions.has_open(scope, run_id),
        usage.total(scope, run_id),
    )
    assert run is not None, "the fence was just passed"
    return run, said, Open(plan, calls, has_executors), spent


def _keep_answer(scope: Scope, run: Run, said: str) -> None:
    """Store what the run said as a message, exactly as it was streamed."""
    if said:
        messages.insert(scope, run.session_id, run.id, "assistant", said)


def _close_record(scope: Scope, run_id: UUID, plan: PlanRow | None, status: Literal["completed", "failed"]) -> None:
    """End the plan, agents and conversations of a run; a plan is completed only when it was told and every step is.

    Nobody has to decide on it any more.
    """
    approvals.close_open(scope, run_id, ApprovalStatus.CANCELLED)
    if plan is not None:
        whole = not plan.is_draft and all(step.get("status") == "completed" for step in plan.steps)
        plans.finish(scope, plan.id, "completed" if whole else "failed")
    conversations.finish_open(scope, run_id, status)
    agents.finish_open(scope, run_id, status)
    checkpoints.prune(scope, run_id)


def told_of(spent: Usage) -> UsageBody:
    """Return what a run has used as it is told."""
    return UsageBody(
        prompt_tokens=spent.prompt_tokens, completion_tokens=spent.completion_tokens, total_tokens=spent.total
    )
