"""The `notes` table, one function per question the program asks of it.

Row security limits every statement to the caller's rows, so none takes a user id.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from persistence.place import Place, behind
from persistence.scope import Scope
from persistence.workspace.search import OPENING_CHARS, fitting, pattern_for


@dataclass(frozen=True, slots=True)
class ListedNote:
    """A note of a list that `matching` notes fit; `opening` is how its content begins."""

    id: UUID
    title: str | None
    opening: str
    category: str | None
    tags: list[str]
    project_id: UUID | None
    project_name: str | None
    created_at: datetime
    matching: int


@dataclass(frozen=True, slots=True)
class PagedNote:
    """A note of a list that is read in pages; `opening` is how its content begins."""

    id: UUID
    title: str | None
    opening: str
    category: str | None
    tags: list[str]
    project_id: UUID | None
    project_name: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """A whole note."""

    id: UUID
    title: str | None
    content: str
    category: str | None
    tags: list[str]
    project_id: UUID | None
    project_name: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewNote:
    """What a note starts with."""

    title: str | None
    content: str
    category: str | None
    tags: list[str]
    project_id: UUID | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notes a list is of. None, and a blank query, fit every note."""

    query: str = ""
    project_id: UUID | None = None
    category: str | None = None


async def search(scope: Scope, wanted: Wanted, limit: int) -> list[ListedNote]:
    """Return notes whose title or content contains the query, newest first.

    A category is compared whole, in any case.
    """
    return await scope.all(
        ListedNote,
        """
        select n.id, n.title, left(n.content, %(opening)s) as opening, n.category, n.tags,
            n.project_id, (select name from projects p where p.id = n.project_id) as project_name,
            n.created_at, count(*) over () as matching
        from notes n
        where (n.title ilike %(pattern)s or n.content ilike %(pattern)s)
            and (%(project_id)s::uuid is null or n.project_id = %(project_id)s)
            and (%(category)s::text is null or lower(n.category) = lower(%(category)s))
        order by n.created_at desc, n.id
        limit %(limit)s
        """,
        asdict(wanted) | {"pattern": pattern_for(wanted.query), "opening": OPENING_CHARS, "limit": limit},
    )


async def page(scope: Scope, search: str, after: Place | None, limit: int) -> list[PagedNote]:
    """Return notes whose title or content contains the text, newest first, behind a place."""
    return await scope.all(
        PagedNote,
        f"""
        select n.id, n.title, left(n.content, %(opening)s) as opening, n.category, n.tags,
            n.project_id, (select name from projects p where p.id = n.project_id) as project_name,
            n.created_at, n.updated_at
        from notes n
        where {fitting(search, "(n.title ilike %(pattern)s or n.content ilike %(pattern)s)")}
            and n.created_at <= coalesce(%(at)s, 'infinity'::timestamptz)
            and (%(at)s is null or n.created_at < %(at)s or n.id > %(id)s)
        order by n.created_at desc, n.id
        limit %(limit)s
        """,
        {**behind(after), "pattern": pattern_for(search), "opening": OPENING_CHARS, "limit": limit},
    )


async def find(scope: Scope, note_id: UUID) -> Note | None:
    """Return one whole note, or None when there is none or it is someone else's."""
    return await scope.one(
        Note,
        """
        select n.id, n.title, n.content, n.category, n.tags, n.project_id, p.name as project_name,
            n.created_at, n.updated_at
        from notes n left join projects p on p.id = n.project_id
        where n.id = %s
        """,
        (note_id,),
    )


async def insert(scope: Scope, note: NewNote) -> UUID:
    """Store a note; return its id."""
    note_id = await scope.value(
        UUID,
        """
        insert into notes (title, content, category, tags, project_id)
        values (%(title)s, %(content)s, %(category)s, %(tags)s, %(project_id)s)
        returning id
        """,
        asdict(note),
    )
    assert note_id is not None, "an insert yields its row"
    return note_id
