"""The `tasks` table, one function per question the program asks of it.

A deleted task is not there for any of them. Row security limits every
statement to the caller's rows, so none takes a user id.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from persistence.place import Place, behind
from persistence.scope import Scope
from persistence.workspace.search import fitting, pattern_for

Status = Literal["backlog", "in_progress", "done", "blocked"]
Priority = Literal["low", "medium", "high"]
TaskType = Literal["one_off", "recurring"]
Order = Literal["priority", "start_date", "created_at"]


@dataclass(frozen=True, slots=True)
class ShortTask:
    """A task as a list shows it; `start_date` is a moment, `project_name` is its project's."""

    id: UUID
    title: str
    status: Status
    priority: Priority
    project_id: UUID | None
    project_name: str | None
    start_date: datetime | None
    duration_minutes: int
    parent_task_id: UUID | None


@dataclass(frozen=True, slots=True)
class ListedTask(ShortTask):
    """A task of a list that `matching` tasks fit, shown or not."""

    matching: int


@dataclass(frozen=True, slots=True)
class PagedTask(ShortTask):
    """A task of a list that is read in pages."""

    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Task(ShortTask):
    """A whole task."""

    description: str
    details: str
    task_type: TaskType
    recurrence_pattern: str | None
    recurrence_ends: date | None
    dependencies: list[UUID]
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a task starts with."""

    title: str
    description: str
    project_id: UUID | None
    priority: Priority
    task_type: TaskType
    duration_minutes: int
    start_date: datetime | None
    parent_task_id: UUID | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks a list is of. None fits every task."""

    project_id: UUID | None = None
    parent_task_id: UUID | None = None
    statuses: list[Status] | None = None
    priorities: list[Priority] | None = None
    has_date: bool | None = None


@dataclass(frozen=True, slots=True)
class LinkedEvent:
    """The calendar event that a task is linked to."""

    id: UUID
    summary: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    recurrence: str | None


async def listed(scope: Scope, wanted: Wanted, order: Order, limit: int) -> list[ListedTask]:
    """Return the first tasks of a list.

    By priority: high first, and what is done after the rest of its priority. By
    start: earliest first, tasks without one last. By creation: newest first.
    """
    return await scope.all(
        ListedTask,
        """
        select t.id, t.title, t.status, t.priority,
            t.project_id, (select name from projects p where p.id = t.project_id) as project_name,
            t.start_date, t.duration_minutes, t.parent_task_id, count(*) over () as matching
        from tasks t
        where t.deleted_at is null
            and (%(project_id)s::uuid is null or t.project_id = %(project_id)s)
            and (%(parent_task_id)s::uuid is null or t.parent_task_id = %(parent_task_id)s)
            and (%(statuses)s::text[] is null or t.status = any(%(statuses)s))
            and (%(priorities)s::text[] is null or t.priority = any(%(priorities)s))
            and (%(has_date)s::boolean is null or (t.start_date is not null) = %(has_date)s)
        order by
            case when %(order)s = 'priority' then array_position('{high,medium,low}', t.priority) end,
            case when %(order)s = 'priority' then t.status = 'done' end,
            case when %(order)s <> 'created_at' then t.start_date end nulls last,
            t.created_at desc, t.id
        limit %(limit)s
        """,
        asdict(wanted) | {"order": order, "limit": limit},
    )


async def page(scope: Scope, search: str, after: Place | None, limit: int) -> list[PagedTask]:
    """Return tasks whose title or description contains the text, newest first, behind a place."""
    return await scope.all(
        PagedTask,
        f"""
        select t.id, t.title, t.status, t.priority,
            t.project_id, (select name from projects p where p.id = t.project_id) as project_name,
            t.start_date, t.duration_minutes, t.parent_task_id, t.created_at, t.updated_at
        from tasks t
        where t.deleted_at is null
            and {fitting(search, "(t.title ilike %(pattern)s or t.description ilike %(pattern)s)")}
            and t.created_at <= coalesce(%(at)s, 'infinity'::timestamptz)
            and (%(at)s is null or t.created_at < %(at)s or t.id > %(id)s)
        order by t.created_at desc, t.id
        limit %(limit)s
        """,
        {**behind(after), "pattern": pattern_for(search), "limit": limit},
    )


async def find(scope: Scope, task_id: UUID) -> Task | None:
    """Return one whole task, or None when there is none or it is someone else's."""
    return await scope.one(
        Task,
        """
        select t.id, t.title, t.status, t.priority, t.project_id, p.name as project_name,
            t.start_date, t.duration_minutes, t.parent_task_id, t.description, t.details, t.task_type,
            t.recurrence_pattern, t.recurrence_ends, t.dependencies, t.completed_at, t.created_at, t.updated_at
        from tasks t left join projects p on p.id = t.project_id
        where t.id = %s and t.deleted_at is null
        """,
        (task_id,),
    )


async def find_to_change(scope: Scope, task_id: UUID) -> Task | None:
    """Return one whole task; nobody else changes it until this transaction ends."""
    await scope.execute("select from tasks where id = %s for no key update", (task_id,))
    return await find(scope, task_id)


async def find_to_point_at(scope: Scope, task_id: UUID) -> Task | None:
    """Return one whole task; nobody removes it until this transaction ends."""
    await scope.execute("select from tasks where id = %s for key share", (task_id,))
    return await find(scope, task_id)


async def insert(scope: Scope, task: NewTask) -> UUID:
    """Store a task, to be done; return its id."""
    task_id = await scope.value(
        UUID,
        """
        insert into tasks (
            title, description, project_id, priority, task_type, duration_minutes, start_date, parent_task_id)
        values (
            %(title)s, %(description)s, %(project_id)s, %(priority)s, %(task_type)s, %(duration_minutes)s,
            %(start_date)s, %(parent_task_id)s)
        returning id
        """,
        asdict(task),
    )
    assert task_id is not None, "an insert yields its row"
    return task_id


async def save(scope: Scope, task: Task) -> None:
    """Store what can change of a task; it is completed the moment its status becomes `done`."""
    await scope.execute(
        """
        update tasks set
            title = %(title)s, description = %(description)s, details = %(details)s, status = %(status)s,
            priority = %(priority)s, start_date = %(start_date)s, duration_minutes = %(duration_minutes)s,
            completed_at = case when %(status)s = 'done' then coalesce(completed_at, now()) end
        where id = %(id)s
        """,
        asdict(task),
    )


async def linked_event(scope: Scope, task_id: UUID) -> LinkedEvent | None:
    """Return the calendar event of a task, or None when it has none."""
    return await scope.one(
        LinkedEvent,
        """
        select e.id, e.summary, e.starts_at, e.ends_at, e.all_day, e.recurrence
        from task_calendar_events l join calendar_events e on e.id = l.event_id
        where l.task_id = %s and l.deleted_at is null and e.deleted_at is null
        """,
        (task_id,),
    )
