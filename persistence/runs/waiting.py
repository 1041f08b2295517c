"""Runs that wait for their turn in a session: which there are, and ending one that never began."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from persistence.runs import runs
from persistence.runs.events import KeyedEvent
from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that has not ended."""

    run_id: UUID


async def unfinished_in(scope: Scope, session_id: UUID) -> list[Unfinished]:
    """Return the runs of a session that have not ended, the one that is or will be first at work first."""
    return await scope.all(
        Unfinished,
        """
        select id as run_id from runs
        where session_id = %s and finished_at is null order by created_at, id
        """,
        (session_id,),
    )


@dataclass(frozen=True, slots=True)
class AtWork:
    """The run of a session that is at work, or will be next."""

    session_id: UUID
    id: UUID
    status: str


async def first_of(scope: Scope, session_ids: Sequence[UUID]) -> list[AtWork]:
    """Return, of each of these sessions that has unfinished runs, the one that is or will be first at work."""
    return await scope.all(
        AtWork,
        """
        select distinct on (session_id) session_id, id, status from runs
        where finished_at is null and session_id = any(%s) order by session_id, created_at, id
        """,
        (list(session_ids),),
    )


async def cancel_queued(scope: Scope, run_id: UUID, event: KeyedEvent) -> bool:
    """End a run that no worker has taken yet, with its terminal event; False when one has, or it ended.

    Both happen in one statement under the run's row lock, so a worker's claim
    comes wholly before it or not at all.
    """
    session_id = await scope.value(
        UUID,
        f"""
        with ended as (
            update runs set
                status = 'cancelled',
                finished_reason = 'cancelled',
                cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()),
                finished_at = clock_timestamp(),
                last_seq = {runs.LAST_SEQ} + 1
            where id = %s and status = 'queued' and attempt = 0
            returning id, session_id, last_seq),
        told as (
            insert into run_events (run_id, seq, key, type, payload)
            select id, last_seq, %s, %s, %s from ended)
        select session_id from ended
        """,
        (run_id, event.key, event.type, event.payload),
    )
    if session_id is None:
        return False
    runs.hand_on(scope, session_id)
    return True
