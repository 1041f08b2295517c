"""The `runs` table: one row for each message that was accepted.

`attempt` is the fence: `claim` raises it, and every later write of a worker
passes it (`Database.acting`). `last_seq` numbers the run's events.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from persistence.scope import Scope

GRAPH_VERSION: Final = "1"  # raised when a running graph of the release before could not go on


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"


FINISHED: Final = frozenset({RunStatus.DONE, RunStatus.ERROR, RunStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as its row stands."""

    id: UUID
    session_id: UUID
    request: str
    status: str
    strategy: str | None
    attempt: int
    last_seq: int
    request_digest: str
    cancel_requested_at: datetime | None
    prompt_tokens: int
    completion_tokens: int
    finished_reason: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def finished(self) -> bool:
        """Say whether the run reached its end."""
        return self.finished_at is not None


_COLUMNS: Final = """
    id, session_id, request, status, strategy, attempt, last_seq, request_digest, cancel_requested_at,
    prompt_tokens, completion_tokens, finished_reason, error_code, created_at, started_at, finished_at
"""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that nobody holds, and whose it is."""

    run_id: UUID
    user_id: UUID


async def insert(scope: Scope, session_id: UUID, request: str, digest: str, idempotency_key: str | None) -> Run | None:
    """Queue a run; None when a run with that idempotency key is there already."""
    return await scope.one(
        Run,
        f"""
        insert into runs (session_id, request, request_digest, idempotency_key, graph_version)
        values (%s, %s, %s, %s, %s)
        on conflict (user_id, idempotency_key) do nothing
        returning {_COLUMNS}
        """,
        (session_id, request, digest, idempotency_key, GRAPH_VERSION),
    )


async def find(scope: Scope, run_id: UUID) -> Run | None:
    """Return one run, or None when there is none or it is someone else's."""
    return await scope.one(
        Run,
        f"""
        select {_COLUMNS}
        from runs where id = %s
        """,
        (run_id,),
    )


async def find_by_key(scope: Scope, idempotency_key: str) -> Run | None:
    """Return the run that was accepted under that idempotency key."""
    return await scope.one(
        Run,
        f"""
        select {_COLUMNS}
        from runs where idempotency_key = %s
        """,
        (idempotency_key,),
    )


async def newest(scope: Scope, limit: int) -> list[Run]:
    """Return the newest runs, newest first."""
    return await scope.all(
        Run,
        f"""
        select {_COLUMNS}
        from runs order by created_at desc, id limit %s
        """,
        (limit,),
    )


async def claim(scope: Scope, run_id: UUID, lease_seconds: float) -> Run | None:
    """Take a run that is free and whose turn in its session it is; None otherwise.

    Free is a queued run, or a running one whose lease has run out. Its turn has
    come when nothing of the session is at work and nothing older waits. Taking it
    raises `attempt`, so an earlier holder that wakes up cannot write any more.
    """
    return await scope.one(
        Run,
        f"""
        update runs set
            status = 'running',
            attempt = attempt + 1,
            started_at = coalesce(started_at, clock_timestamp()),
            lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
        where id = %(run)s
            and (status = 'queued' or status = 'running' and lease_until < clock_timestamp())
            and not exists (
                select from runs earlier
                where earlier.session_id = runs.session_id and earlier.finished_at is null and earlier.id <> runs.id
                    and (earlier.status <> 'queued'
                        or (earlier.created_at, earlier.id) < (runs.created_at, runs.id)))
        returning {_COLUMNS}
        """,
        {"run": run_id, "lease": lease_seconds},
    )


async def renew(scope: Scope, run_id: UUID, lease_seconds: float) -> None:
    """Hold the run for another while."""
    await scope.execute(
        "update runs set lease_until = clock_timestamp() + make_interval(secs => %s) where id = %s",
        (lease_seconds, run_id),
    )


async def set_strategy(scope: Scope, run_id: UUID, strategy: str) -> None:
    """Keep how the request is handled."""
    await scope.execute("update runs set strategy = %s where id = %s", (strategy, run_id))


async def finish(
    scope: Scope, run_id: UUID, status: RunStatus, *, reason: str | None = None, error_code: str | None = None
) -> None:
    """End a run and add its usage up from its model calls."""
    await scope.execute(
        """
        update runs set
            status = %(status)s,
            finished_reason = %(reason)s,
            error_code = %(error_code)s,
            finished_at = clock_timestamp(),
            lease_until = null,
            prompt_tokens = spent.prompt,
            completion_tokens = spent.completion
        from (
            select coalesce(sum(prompt_tokens), 0) as prompt, coalesce(sum(completion_tokens), 0) as completion
            from model_usage where run_id = %(run)s
        ) as spent
        where id = %(run)s
        """,
        {"run": run_id, "status": status, "reason": reason, "error_code": error_code},
    )


async def request_cancel(scope: Scope, run_id: UUID) -> bool:
    """Ask for a run to be stopped; False when it has ended already."""
    return bool(
        await scope.execute(
            "update runs set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())"
            " where id = %s and finished_at is null",
            (run_id,),
        )
    )


async def next_in_session(scope: Scope, session_id: UUID) -> UUID | None:
    """Return the queued run whose turn it is in a session."""
    return await scope.value(
        UUID,
        "select id from runs where session_id = %s and status = 'queued' order by created_at, id limit 1",
        (session_id,),
    )


async def queue_place(scope: Scope, run_id: UUID) -> int:
    """Return how many unfinished runs of the session stand before this one."""
    place = await scope.value(
        int,
        """
        select count(*) from runs mine join runs earlier
            on earlier.session_id = mine.session_id and earlier.finished_at is null
            and (earlier.created_at, earlier.id) < (mine.created_at, mine.id)
        where mine.id = %s
        """,
        (run_id,),
    )
    return place or 0


async def unfinished(scope: Scope) -> list[Unfinished]:
    """Return every run, of all users, that is not finished and that nobody holds."""
    return await scope.all(Unfinished, "select run_id, user_id from unfinished_runs()")
