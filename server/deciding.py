"""A person's decision on the calls that a run waits for: stored whole, once, and the run goes on."""

import hashlib
from typing import Final
from uuid import UUID

from persistence.pools import Database
from persistence.runs import approvals, runs
from persistence.runs.approvals import DECIDED, Approval, ApprovalCall, ApprovalStatus, Verdict
from persistence.runs.runs import Run, RunStatus
from persistence.scope import Identity, Role, Scope
from server.bodies import Decision, Drop, Edit
from server.refusals import ArgumentsRefused, Refused
from tools.arguments import canonical, validated
from tools.errors import ArgumentsInvalid
from tools.registry import Registry

_STATUS: Final = {"approve": ApprovalStatus.APPROVED, "deny": ApprovalStatus.DENIED}


async def decide(
    database: Database, registry: Registry, user_id: UUID, run_id: UUID, said: Decision, queue: str
) -> int:
    """Store what a person said and give the run to the workers of a queue; return the event it goes on behind.

    The run's row is held, so of two decisions at once exactly one is the first.
    The same decision a second time changes nothing and is answered like the first.

    Raises:
        Refused: there is no such run, it does not wait for this decision, or the decision does not fit its calls.
    """
    async with database.acting(Role.API, Identity(user_id)) as scope:
        run = await runs.find(scope, run_id) if await runs.hold(scope, run_id) else None
        if run is None:
            raise Refused("not_found")
        approval = await _asked(scope, run, said)
        if approval.status not in DECIDED:
            await _store(scope, registry, approval, said)
            await approvals.go_on(scope, run, queue)
        seq = await approvals.pause_seq(scope, approval)
    return run.last_seq if seq is None else seq


async def _asked(scope: Scope, run: Run, said: Decision) -> Approval:
    """Return the approval that a decision is on, if it may still be made or was made in the same words."""
    waits = run.status == RunStatus.WAITING
    approval = await approvals.find(scope, run.id, said.digest)
    if approval is None:
        raise Refused("digest_mismatch" if waits else "not_waiting")
    if approval.status in DECIDED:
        if approval.said_digest != _digest(said):
            raise Refused("already_decided")
        return approval
    if approval.status == ApprovalStatus.EXPIRED or (waits and approval.overdue):
        raise Refused("approval_expired")
    if not waits or approval.status != ApprovalStatus.OPEN:
        raise Refused("not_waiting")
    return approval


async def _store(scope: Scope, registry: Registry, approval: Approval, said: Decision) -> None:
    calls = await approvals.calls_of(scope, approval.id)
    if said.calls.keys() - {call.call_id for call in calls}:
        raise Refused("unknown_call")
    for place, call in enumerate(calls, start=1):
        verdict, arguments = _verdict(said, call)
        if arguments is not None:
            _check(registry, call.tool, arguments, place)
        await approvals.rule(scope, approval.id, call.call_id, verdict, arguments)
    await approvals.decide(scope, approval.id, _STATUS[said.decision], _digest(said), said.note)


def _verdict(said: Decision, call: ApprovalCall) -> tuple[Verdict, str | None]:
    if said.decision == "deny":
        return Verdict.DENIED, None
    match said.calls.get(call.call_id):
        case Drop():
            return Verdict.DROPPED, None
        case Edit(arguments=arguments):
            return Verdict.EDITED, canonical(arguments)
        case None:
            return Verdict.APPROVED, None


def _check(registry: Registry, name: str, arguments: str, place: int) -> None:
    """Refuse arguments that the tool itself would not take, before anything is decided."""
    tool = registry.find(name)
    if tool is None:
        raise ArgumentsRefused(place, name)
    try:
        validated(tool, arguments)
    except ArgumentsInvalid:
        raise ArgumentsRefused(place, name) from None


def _digest(said: Decision) -> str:
    return hashlib.sha256(canonical(said.model_dump(mode="json")).encode()).hexdigest()
