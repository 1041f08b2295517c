"""The `projects` table and its phases, one function per question the program asks of them.

Row security limits every statement to the caller's rows, so none takes a user id.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from persistence.place import Place, behind
from persistence.scope import Scope
from persistence.workspace.search import OPENING_CHARS, fitting, pattern_for

Status = Literal["active", "paused", "completed", "archived"]


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How many live tasks a project or a phase has, by where they stand."""

    backlog: int
    in_progress: int
    blocked: int
    done: int

    @property
    def total(self) -> int:
        """Return the number of all of them."""
        return self.backlog + self.in_progress + self.blocked + self.done

    @property
    def completion_percent(self) -> int:
        """Return the share that is done, rounded down: 100 means that nothing is left."""
        return 100 * self.done // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class ListedProject(TaskCounts):
    """A project of a list that `matching` projects fit; `opening` is how its description begins."""

    id: UUID
    name: str
    status: Status
    opening: str
    start_date: date | None
    end_date: date | None
    tags: list[str]
    updated_at: datetime
    matching: int


@dataclass(frozen=True, slots=True)
class PagedProject(TaskCounts):
    """A project of a list that is read in pages; `opening` is how its description begins."""

    id: UUID
    name: str
    status: Status
    opening: str
    start_date: date | None
    end_date: date | None
    tags: list[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Project:
    """A whole project."""

    id: UUID
    name: str
    slug: str
    status: Status
    description: str
    executive_summary: str
    context: str
    start_date: date | None
    end_date: date | None
    tags: list[str]
    calendar_color_id: str | None
    calendar_sync_enabled: bool
    core_integrity_ideals: str
    core_people_bonds: str
    core_goals_momentum: str
    core_meaning_identity: str
    core_reality_understanding: str
    core_trust_safeguards: str
    core_opportunity_freedom: str
    core_power_resources: str
    core_harmony_integration: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Phase(TaskCounts):
    """One phase of a project, with its tasks' ids in their order."""

    id: UUID
    name: str
    description: str
    task_ids: list[UUID]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which projects a list is of. None, and a blank query, fit every project."""

    query: str = ""
    status: Status | None = None
    has_active_tasks: bool | None = None


_SEARCHED: Final = """
    (name ilike %(pattern)s or description ilike %(pattern)s
        or exists (select from unnest(tags) tag where tag ilike %(pattern)s))
"""


async def search(scope: Scope, wanted: Wanted, limit: int) -> list[ListedProject]:
    """Return projects whose name, description or a tag contains the query, last changed first.

    An active task is a live one that is not done.
    """
    return await scope.all(
        ListedProject,
        """
        select p.id, p.name, p.status, left(p.description, %(opening)s) as opening, p.start_date, p.end_date,
            p.tags, p.updated_at, c.backlog, c.in_progress, c.blocked, c.done, count(*) over () as matching
        from projects p cross join lateral (
            select count(*) filter (where t.status = 'backlog') as backlog,
                count(*) filter (where t.status = 'in_progress') as in_progress,
                count(*) filter (where t.status = 'blocked') as blocked,
                count(*) filter (where t.status = 'done') as done
            from tasks t where t.project_id = p.id and t.deleted_at is null
        ) c
        where (p.name ilike %(pattern)s or p.description ilike %(pattern)s
                or exists (select from unnest(p.tags) tag where tag ilike %(pattern)s))
            and (%(status)s::text is null or p.status = %(status)s)
            and (%(has_active_tasks)s::boolean is null
                or (c.backlog + c.in_progress + c.blocked > 0) = %(has_active_tasks)s)
        order by p.updated_at desc, p.id
        limit %(limit)s
        """,
        asdict(wanted) | {"pattern": pattern_for(wanted.query), "opening": OPENING_CHARS, "limit": limit},
    )


async def page(scope: Scope, search: str, after: Place | None, limit: int) -> list[PagedProject]:
    """Return projects whose name, description or a tag contains the text, last changed first, behind a place."""
    return await scope.all(
        PagedProject,
        f"""
        select p.*, c.backlog, c.in_progress, c.blocked, c.done
        from (
            select id, name, status, left(description, %(opening)s) as opening, start_date, end_date, tags,
                created_at, updated_at
            from projects
            where {fitting(search, _SEARCHED)}
                and updated_at <= coalesce(%(at)s, 'infinity'::timestamptz)
                and (%(at)s is null or updated_at < %(at)s or id > %(id)s)
            order by updated_at desc, id
            limit %(limit)s
        ) p cross join lateral (
            select count(*) filter (where t.status = 'backlog') as backlog,
                count(*) filter (where t.status = 'in_progress') as in_progress,
                count(*) filter (where t.status = 'blocked') as blocked,
                count(*) filter (where t.status = 'done') as done
            from tasks t where t.project_id = p.id and t.deleted_at is null
        ) c
        order by p.updated_at desc, p.id
        """,
        {**behind(after), "pattern": pattern_for(search), "opening": OPENING_CHARS, "limit": limit},
    )


async def find(scope: Scope, project_id: UUID) -> Project | None:
    """Return one whole project, or None when there is none or it is someone else's."""
    return await scope.one(
        Project,
        """
        select id, name, slug, status, description, executive_summary, context, start_date, end_date, tags,
            calendar_color_id, calendar_sync_enabled, core_integrity_ideals, core_people_bonds,
            core_goals_momentum, core_meaning_identity, core_reality_understanding, core_trust_safeguards,
            core_opportunity_freedom, core_power_resources, core_harmony_integration, created_at, updated_at
        from projects where id = %s
        """,
        (project_id,),
    )


async def find_to_change(scope: Scope, project_id: UUID) -> Project | None:
    """Return one whole project; nobody else changes it until this transaction ends."""
    await scope.execute("select from projects where id = %s for no key update", (project_id,))
    return await find(scope, project_id)


async def name_of(scope: Scope, project_id: UUID) -> str | None:
    """Return a project's name, or None when there is none or it is someone else's."""
    return await scope.value(str, "select name from projects where id = %s", (project_id,))


async def keep(scope: Scope, project_id: UUID) -> bool:
    """Say whether there is such a project; nobody removes it until this transaction ends."""
    return await scope.execute("select from projects where id = %s for key share", (project_id,)) == 1


async def task_counts(scope: Scope, project_id: UUID) -> TaskCounts:
    """Count a project's live tasks."""
    return await scope.only(
        TaskCounts,
        """
        select count(*) filter (where status = 'backlog') as backlog,
            count(*) filter (where status = 'in_progress') as in_progress,
            count(*) filter (where status = 'blocked') as blocked,
            count(*) filter (where status = 'done') as done
        from tasks where project_id = %s and deleted_at is null
        """,
        (project_id,),
    )


async def phases(scope: Scope, project_id: UUID) -> list[Phase]:
    """Return a project's phases in their order."""
    return await scope.all(
        Phase,
        """
        select h.id, h.name, h.description,
            count(*) filter (where t.status = 'backlog') as backlog,
            count(*) filter (where t.status = 'in_progress') as in_progress,
            count(*) filter (where t.status = 'blocked') as blocked,
            count(*) filter (where t.status = 'done') as done,
            coalesce(array_agg(t.id order by l.position, t.id) filter (where t.id is not null), '{}') as task_ids
        from phases h
            left join phase_tasks l on l.phase_id = h.id
            left join tasks t on t.id = l.task_id and t.deleted_at is null
        where h.project_id = %s
        group by h.id
        order by h.position
        """,
        (project_id,),
    )


async def save(scope: Scope, project: Project) -> None:
    """Store what can change of a project; its slug stays, links to it hold."""
    await scope.execute(
        """
        update projects set
            name = %(name)s, status = %(status)s, description = %(description)s,
            executive_summary = %(executive_summary)s, context = %(context)s,
            start_date = %(start_date)s, end_date = %(end_date)s, tags = %(tags)s,
            calendar_color_id = %(calendar_color_id)s, calendar_sync_enabled = %(calendar_sync_enabled)s,
            core_integrity_ideals = %(core_integrity_ideals)s, core_people_bonds = %(core_people_bonds)s,
            core_goals_momentum = %(core_goals_momentum)s, core_meaning_identity = %(core_meaning_identity)s,
            core_reality_understanding = %(core_reality_understanding)s,
            core_trust_safeguards = %(core_trust_safeguards)s,
            core_opportunity_freedom = %(core_opportunity_freedom)s,
            core_power_resources = %(core_power_resources)s,
            core_harmony_integration = %(core_harmony_integration)s
        where id = %(id)s
        """,
        asdict(project),
    )
