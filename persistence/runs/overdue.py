"""Approvals that nobody decided on in time: their runs wait no longer."""

from dataclasses import dataclass
from uuid import UUID

from persistence.pools import Database
from persistence.runs import approvals, runs
from persistence.runs.approvals import ApprovalStatus
from persistence.scope import Identity, Role, Scope


@dataclass(frozen=True, slots=True)
class _Due:
    run_id: UUID
    user_id: UUID


async def expire_due(database: Database) -> list[UUID]:
    """End the waiting of every run, of all users, whose time is up; return which. A worker ends them as cancelled."""
    async with database.acting(Role.WORKER, Identity(UUID(int=0))) as scope:
        due = await scope.all(_Due, "select run_id, user_id from due_approvals()")
    expired: list[UUID] = []
    for one in due:
        async with database.acting(Role.WORKER, Identity(one.user_id)) as scope:
            if await _expire(scope, one.run_id):
                expired.append(one.run_id)
    return expired


async def _expire(scope: Scope, run_id: UUID) -> bool:
    """End a run's waiting unless somebody was faster."""
    session_id = await scope.value(
        UUID,
        """
        update runs set status = 'queued', cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
        where id = %s and status = 'waiting'
            and exists (select from approvals a where a.run_id = runs.id and a.status = 'open'
                and a.expires_at <= clock_timestamp())
        returning session_id
        """,
        (run_id,),
    )
    if session_id is None:
        return False
    approvals.close_open(scope, run_id, ApprovalStatus.EXPIRED)
    runs.hand_on(scope, session_id)
    return True
