"""The `brain_dumps` table, one function per question the program asks of it.

Row security limits every statement to the caller's rows, so none takes a user id.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from persistence.place import Place, behind
from persistence.scope import Scope
from persistence.workspace.search import OPENING_CHARS, fitting, pattern_for

Status = Literal["pending", "processing", "completed", "failed"]


@dataclass(frozen=True, slots=True)
class ListedBrainDump:
    """A dump of a list that `matching` dumps fit; `opening` is how its content begins."""

    id: UUID
    title: str | None
    opening: str
    ai_summary: str | None
    status: Status
    project_id: UUID | None
    project_name: str | None
    created_at: datetime
    matching: int


@dataclass(frozen=True, slots=True)
class PagedBrainDump:
    """A dump of a list that is read in pages; `opening` is how its content begins."""

    id: UUID
    title: str | None
    opening: str
    ai_summary: str | None
    status: Status
    project_id: UUID | None
    project_name: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BrainDump:
    """A whole brain dump."""

    id: UUID
    title: str | None
    content: str
    ai_summary: str | None
    status: Status
    project_id: UUID | None
    project_name: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dumps a list is of. None, and a blank query, fit every dump."""

    query: str = ""
    project_id: UUID | None = None
    status: Status | None = None


_SEARCHED: Final = "(b.title ilike %(pattern)s or b.content ilike %(pattern)s or b.ai_summary ilike %(pattern)s)"


async def search(scope: Scope, wanted: Wanted, limit: int) -> list[ListedBrainDump]:
    """Return dumps whose content or summary contains the query, newest first."""
    return await scope.all(
        ListedBrainDump,
        """
        select b.id, b.title, left(b.content, %(opening)s) as opening, b.ai_summary, b.status,
            b.project_id, (select name from projects p where p.id = b.project_id) as project_name,
            b.created_at, count(*) over () as matching
        from brain_dumps b
        where (b.content ilike %(pattern)s or b.ai_summary ilike %(pattern)s)
            and (%(project_id)s::uuid is null or b.project_id = %(project_id)s)
            and (%(status)s::text is null or b.status = %(status)s)
        order by b.created_at desc, b.id
        limit %(limit)s
        """,
        asdict(wanted) | {"pattern": pattern_for(wanted.query), "opening": OPENING_CHARS, "limit": limit},
    )


async def page(scope: Scope, search: str, after: Place | None, limit: int) -> list[PagedBrainDump]:
    """Return dumps whose title, content or summary contains the text, newest first, behind a place."""
    return await scope.all(
        PagedBrainDump,
        f"""
        select b.id, b.title, left(b.content, %(opening)s) as opening, b.ai_summary, b.status,
            b.project_id, (select name from projects p where p.id = b.project_id) as project_name,
            b.created_at, b.updated_at
        from brain_dumps b
        where {fitting(search, _SEARCHED)}
            and b.created_at <= coalesce(%(at)s, 'infinity'::timestamptz)
            and (%(at)s is null or b.created_at < %(at)s or b.id > %(id)s)
        order by b.created_at desc, b.id
        limit %(limit)s
        """,
        {**behind(after), "pattern": pattern_for(search), "opening": OPENING_CHARS, "limit": limit},
    )


async def find(scope: Scope, brain_dump_id: UUID) -> BrainDump | None:
    """Return one whole dump, or None when there is none or it is someone else's."""
    return await scope.one(
        BrainDump,
        """
        select b.id, b.title, b.content, b.ai_summary, b.status, b.project_id, p.name as project_name,
            b.created_at, b.updated_at
        from brain_dumps b left join projects p on p.id = b.project_id
        where b.id = %s
        """,
        (brain_dump_id,),
    )


async def insert(scope: Scope, content: str, project_id: UUID | None) -> UUID:
    """Store a dump, pending; return its id."""
    brain_dump_id = await scope.value(
        UUID,
        "insert into brain_dumps (content, project_id) values (%s, %s) returning id",
        (content, project_id),
    )
    assert brain_dump_id is not None, "an insert yields its row"
    return brain_dump_id
