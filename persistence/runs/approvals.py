"""The `approvals` and `approval_calls` tables: what a run waits for, and what a person said of each call.

A run that waits has one open approval. Whoever closes it (a decision, a cancel,
the time) holds the run's row meanwhile, so exactly one of them does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import JsonValue

from persistence.errors import CancelRequested
from persistence.runs import runs
from persistence.runs.runs import Run
from persistence.scope import Scope

NOTE_MAX_CHARS: Final = 1_000  # as the table has it


class ApprovalStatus(StrEnum):
    """Where an approval stands."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


DECIDED: Final = frozenset({ApprovalStatus.APPROVED, ApprovalStatus.DENIED})


class Verdict(StrEnum):
    """What a person said of one call."""

    APPROVED = "approved"
    EDITED = "edited"
    DROPPED = "dropped"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call to ask about. `outcome_unknown`: it has begun, and nobody knows what it did."""

    call_id: UUID
    outcome_unknown: bool
    tool: str
    arguments: str
    target: str
    changes: list[JsonValue]


@dataclass(frozen=True, slots=True)
class Approval:
    """What a run waits, or waited, for. `overdue` by the database's clock."""

    id: UUID
    run_id: UUID
    position: int
    digest: str
    status: str
    said_digest: str | None
    note: str | None
    expires_at: datetime
    created_at: datetime
    closed_at: datetime | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class ApprovalCall:
    """One call of an approval as it was shown, and what was said of it."""

    approval_id: UUID
    call_id: UUID
    outcome_unknown: bool
    tool: str
    arguments: str
    target: str
    changes: list[JsonValue]
    verdict: str | None
    edited_arguments: str | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was said of a call, with the arguments it is to run with if they are others, and why."""

    verdict: str
    arguments: str | None
    note: str | None

    @property
    def allows(self) -> bool:
        """Say whether the call may run."""
        return self.verdict in {Verdict.APPROVED, Verdict.EDITED}


_COLUMNS: Final = """
    id, run_id, position, digest, status, said_digest, note, expires_at, created_at, closed_at,
    expires_at <= clock_timestamp() as overdue
"""


async def next_position(scope: Scope, run_id: UUID) -> int:
    """Return the place of a run's next approval, the first being 1."""
    return (await scope.value(int, "select max(position) from approvals where run_id = %s", (run_id,)) or 0) + 1


async def insert(
    scope: Scope, run_id: UUID, position: int, digest: str, hours: float, calls: Sequence[NewCall]
) -> Approval:
    """Ask a person about these calls, for so many hours."""
    approval = await scope.only(
        Approval,
        f"""
        insert into approvals (run_id, position, digest, expires_at)
        values (%s, %s, %s, clock_timestamp() + make_interval(secs => %s))
        returning {_COLUMNS}
        """,
        (run_id, position, digest, hours * 3600),
    )
    for place, call in enumerate(calls, start=1):
        await scope.execute(
            """
            insert into approval_calls
                (approval_id, call_id, position, outcome_unknown, tool, arguments, target, changes)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                approval.id,
                call.call_id,
                place,
                call.outcome_unknown,
                call.tool,
                call.arguments,
                call.target,
                Jsonb(call.changes),
            ),
        )
    return approval


async def wait(scope: Scope, run_id: UUID) -> None:
    """Put a run down until somebody decides; its attempt writes nothing behind this.

    Raises:
        CancelRequested: the run is to be stopped, so it waits for nobody.
    """
    if not await scope.execute(
        "update runs set status = 'waiting' where id = %s and cancel_requested_at is null", (run_id,)
    ):
        raise CancelRequested
    runs.hand_on_next(scope)


async def ruling_on(scope: Scope, call_id: UUID, *, outcome_unknown: bool) -> Ruling | None:
    """Return what was said of a call, before it acted or about its unknown outcome; None while nothing was."""
    return await scope.one(
        Ruling,
        """
        select c.verdict, c.edited_arguments as arguments, a.note
        from approval_calls c join approvals a on a.id = c.approval_id
        where c.call_id = %s and c.outcome_unknown = %s and c.verdict is not null
        """,
        (call_id, outcome_unknown),
    )


async def said_no(scope: Scope, run_id: UUID) -> bool:
    """Say whether a person did not want some call of a run."""
    query = """
        select true from approval_calls c join approvals a on a.id = c.approval_id
        where a.run_id = %s and c.verdict in ('dropped', 'denied') limit 1
    """
    return await scope.value(bool, query, (run_id,)) or False


async def find(scope: Scope, run_id: UUID, digest: str) -> Approval | None:
    """Return the approval of a run that showed exactly these calls."""
    return await scope.one(
        Approval, f"select {_COLUMNS} from approvals where run_id = %s and digest = %s", (run_id, digest)
    )


async def of_run(scope: Scope, run_id: UUID) -> list[Approval]:
    """Return every approval of a run, in order."""
    return await scope.all(Approval, f"select {_COLUMNS} from approvals where run_id = %s order by position", (run_id,))


async def calls_of(scope: Scope, approval_id: UUID) -> list[ApprovalCall]:
    """Return the calls of an approval, in the order they were shown."""
    return await scope.all(
        ApprovalCall,
        """
        select approval_id, call_id, outcome_unknown, tool, arguments, target, changes, verdict, edited_arguments
        from approval_calls where approval_id = %s order by position
        """,
        (approval_id,),
    )


async def rule(scope: Scope, approval_id: UUID, call_id: UUID, verdict: Verdict, arguments: str | None = None) -> None:
    """Write down what was said of a call."""
    await scope.execute(
        "update approval_calls set verdict = %s, edited_arguments = %s where approval_id = %s and call_id = %s",
        (verdict, arguments, approval_id, call_id),
    )


async def decide(scope: Scope, approval_id: UUID, status: ApprovalStatus, said_digest: str, note: str | None) -> None:
    """Close an approval with what was said of it as a whole."""
    await scope.execute(
        """
        update approvals set status = %s, said_digest = %s, note = %s, closed_at = clock_timestamp()
        where id = %s
        """,
        (status, said_digest, note, approval_id),
    )


def close_open(scope: Scope, run_id: UUID, status: ApprovalStatus) -> None:
    """Close what a run waits for without a decision."""
    scope.send(
        "update approvals set status = %s, closed_at = clock_timestamp() where run_id = %s and status = 'open'",
        (status, run_id),
    )


async def go_on(scope: Scope, run: Run, queue: str) -> None:
    """Give a run that waits to the workers of a queue."""
    await scope.execute(
        "update runs set status = 'queued', queue = %s where id = %s and status = 'waiting'", (queue, run.id)
    )
    runs.hand_on(scope, run.session_id)


async def pause_seq(scope: Scope, approval: Approval) -> int | None:
    """Return the number of the event that asked for an approval; None when it has been deleted."""
    return await scope.value(
        int,
        "select seq from run_events where run_id = %s and key = %s",
        (approval.run_id, pause_key(approval.position)),
    )


def pause_key(position: int) -> str:
    """Return the key of the event that asks for a run's n-th approval."""
    return f"pause:{position}"
