"""The `row_changes` and `undos` tables: what a write replaced, and which writes were undone.

The changes are kept by triggers, in the transaction of the write, as long as
that says which call it is of; so no tool can forget one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from persistence.scope import Scope


class Stays(StrEnum):
    """Why a row is not put back."""

    CHANGED = "changed"
    GONE = "gone"
    IN_USE = "in_use"


@dataclass(frozen=True, slots=True)
class Undo:
    """A call that was undone."""

    call_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A call whose changes are kept; `last` is in the order in which they were made."""

    call_id: UUID
    last: int


@dataclass(frozen=True, slots=True)
class _Change:
    id: int


def keep_changes(scope: Scope, call_id: UUID) -> None:
    """Keep what this transaction makes of the workspace's rows, as changes by a call."""
    scope.send("select set_config('planwright.call', %s, true)", (str(call_id),))


async def kept_of_run(scope: Scope, run_id: UUID) -> list[Kept]:
    """Return the calls of a run whose changes are kept, the newest change first."""
    return await scope.all(
        Kept,
        """
        select c.id as call_id, max(r.id) as last
        from tool_calls c join row_changes r on r.user_id = c.user_id and r.call_id = c.id
        where c.run_id = %s group by c.id order by 2 desc
        """,
        (run_id,),
    )


async def is_kept(scope: Scope, call_id: UUID) -> bool:
    """Say whether anything that a call changed is kept."""
    return await scope.value(bool, "select true from row_changes where call_id = %s limit 1", (call_id,)) or False


async def begin(scope: Scope, call_id: UUID) -> bool:
    """Write down that a call is undone; False when it was before. Whoever does it just now is waited for."""
    return bool(await scope.execute("insert into undos (call_id) values (%s) on conflict do nothing", (call_id,)))


async def put_back(scope: Scope, call_id: UUID) -> Stays | None:
    """Put every row that a call wrote back as it was, the last change first; return why one of them stays.

    What was put back until then has to be rolled back. Tasks are locked first, as by whoever changes an event.
    """
    await scope.execute(
        """
        select from tasks
        where id in (select row_id from row_changes where call_id = %s and table_name = 'tasks')
        order by id for update
        """,
        (call_id,),
    )
    changes = await scope.all(_Change, "select id from row_changes where call_id = %s order by id desc", (call_id,))
    for change in changes:
        query = "select put_back(c) from row_changes c where call_id = %s and id = %s"
        if reason := await scope.value(str, query, (call_id, change.id)):
            return Stays(reason)
    return None


async def of_run(scope: Scope, run_id: UUID) -> list[Undo]:
    """Return the calls of a run that were undone, in the order in which they were."""
    return await scope.all(
        Undo,
        """
        select u.call_id, u.created_at from undos u join tool_calls c on c.user_id = u.user_id and c.id = u.call_id
        where c.run_id = %s order by u.created_at, u.call_id
        """,
        (run_id,),
    )
