"""Runs that wait for their turn in a session: which there are, and ending one that never began."""

from uuid import UUID

from persistence.runs.events import KeyedEvent
from persistence.runs.runs import Unfinished
from persistence.scope import Scope


async def unfinished_in(scope: Scope, session_id: UUID) -> list[Unfinished]:
    """Return the runs of a session that have not ended, the one that is or will be first at work first."""
    return await scope.all(
        Unfinished,
        """
        select id as run_id, user_id from runs
        where session_id = %s and finished_at is null order by created_at, id
        """,
        (session_id,),
    )


async def cancel_queued(scope: Scope, run_id: UUID, event: KeyedEvent) -> bool:
    """End a run that no worker has taken, with its terminal event; False when one has, or it ended.

    Both happen in one statement under the run's row lock, so a worker's claim
    comes wholly before it or not at all.
    """
    return bool(
        await scope.execute(
            """
            with ended as (
                update runs set
                    status = 'cancelled',
                    finished_reason = 'cancelled',
                    cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()),
                    finished_at = clock_timestamp(),
                    last_seq = last_seq + 1
                where id = %s and status = 'queued'
                returning id, last_seq)
            insert into run_events (run_id, seq, key, type, payload)
            select id, last_seq, %s, %s, %s from ended
            """,
            (run_id, event.key, event.type, event.payload),
        )
    )
