"""Lists of runs, by what somebody looks for in them.

The runs of all sessions lie in an index by their age, and those that have not ended in
a small one of their own. The runs of one session do not: its messages do, so these lead to
its runs, the newest first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from persistence.place import Place, behind
from persistence.runs.runs import COLUMNS, FINISHED, Run, RunStatus
from persistence.scope import Scope
from persistence.workspace.search import fitting, pattern_for


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs a list is of. What is empty or None fits every run; the ends of the time are those of acceptance."""

    search: str = ""
    statuses: Sequence[RunStatus] = ()
    strategies: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


_FITTING: Final = """
    (%(statuses)s::text[] is null or status = any(%(statuses)s))
    and (%(strategies)s::text[] is null or strategy = any(%(strategies)s))
    and created_at >= coalesce(%(since)s, '-infinity'::timestamptz)
    and created_at < coalesce(%(until)s, 'infinity'::timestamptz)
"""


async def page(scope: Scope, wanted: Wanted, after: Place | None, limit: int) -> list[Run]:
    """Return runs of all sessions, newest first, behind a place."""
    return await scope.all(
        Run,
        f"""
        select {COLUMNS} from runs
        where {_searched(wanted)} and {_FITTING} and {_in_a_small_index(wanted)}
            and created_at <= coalesce(%(at)s, 'infinity'::timestamptz)
            and (%(at)s is null or created_at < %(at)s or id > %(id)s)
        order by created_at desc, id limit %(limit)s
        """,
        {**_values(wanted), **behind(after), "limit": limit},
    )


async def of_session(scope: Scope, session_id: UUID, wanted: Wanted, after: Place | None, limit: int) -> list[Run]:
    """Return runs of one session, newest first, behind a place."""
    return await scope.all(
        Run,
        f"""
        select {COLUMNS} from (
            select run_id, position from chat_messages
            where session_id = %(session)s and role = 'user' and run_id is not null
                and position < case when %(id)s::uuid is null then 2147483647
                    else (select position from chat_messages where run_id = %(id)s and role = 'user') end
        ) as asked join runs on id = run_id
        where {_searched(wanted)} and {_FITTING}
        order by position desc limit %(limit)s
        """,
        {**_values(wanted), **behind(after), "session": session_id, "limit": limit},
    )


def _searched(wanted: Wanted) -> LiteralString:
    return fitting(wanted.search, "request ilike %(pattern)s")


def _in_a_small_index(wanted: Wanted) -> LiteralString:
    """Return what lets Postgres look at unfinished runs alone, where only such ones are wanted."""
    return "true" if not wanted.statuses or FINISHED.intersection(wanted.statuses) else "finished_at is null"


def _values(wanted: Wanted) -> dict[str, object]:
    return {
        **asdict(wanted),
        "pattern": pattern_for(wanted.search),
        "statuses": list(wanted.statuses) or None,
        "strategies": list(wanted.strategies) or None,
    }
