"""The `calendar_events` and `task_calendar_events` tables, one function per question.

An event that is deleted stays as a row with `deleted_at`, its link too. A task
has at most one live link. A series is one row with its pattern: unfolding it
is a matter of local time and happens above this package. Who changes an event
of a task locks the task first, then the event; so no two ever wait for each
other. Row security limits every statement to the caller's rows.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from persistence.scope import Scope

Pattern = Literal["daily", "weekdays", "weekly", "biweekly", "monthly"]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What an event starts with. `time_zone` is the one its series keeps its hours in."""

    summary: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    description: str = ""
    all_day: bool = False
    recurrence: Pattern | None = None
    recurrence_ends: date | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A live event, and the live task that it stands for, if any.

    An all-day event runs from midnight to midnight in its time zone.
    """

    id: UUID
    summary: str
    description: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    time_zone: str
    recurrence: Pattern | None
    recurrence_ends: date | None
    task_id: UUID | None
    task_title: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a task to an event; `deleted_at` is set when it no longer holds."""

    id: UUID
    event_id: UUID
    summary: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    time_zone: str
    created_at: datetime
    deleted_at: datetime | None


_EVENTS: Final = """
    select e.id, e.summary, e.description, e.starts_at, e.ends_at, e.all_day, e.time_zone,
        e.recurrence, e.recurrence_ends, t.id as task_id, t.title as task_title
    from calendar_events e
    left join lateral (
        select t.id, t.title from task_calendar_events l join tasks t on t.id = l.task_id
        where l.event_id = e.id and l.deleted_at is null and t.deleted_at is null
        order by l.created_at, l.id limit 1
    ) t on true
"""


async def one_off_between(scope: Scope, since: datetime, until: datetime, limit: int | None = None) -> list[Event]:
    """Return the events without a pattern that touch the time between, earliest first."""
    return await scope.all(
        Event,
        f"""
        {_EVENTS}
        where e.deleted_at is null and e.recurrence is null
            and e.starts_at < %(until)s and (e.ends_at > %(since)s or e.starts_at >= %(since)s)
        order by e.starts_at, e.id
        limit %(limit)s
        """,
        {"since": since, "until": until, "limit": limit},
    )


async def recurring_before(scope: Scope, until: datetime) -> list[Event]:
    """Return the events with a pattern that begin before a moment."""
    return await scope.all(
        Event,
        f"""
        {_EVENTS}
        where e.deleted_at is null and e.recurrence is not null and e.starts_at < %s
        order by e.starts_at, e.id
        """,
        (until,),
    )


async def find(scope: Scope, event_id: UUID) -> Event | None:
    """Return one event, or None when there is none or it is someone else's."""
    return await scope.one(
        Event,
        f"""
        {_EVENTS}
        where e.id = %s and e.deleted_at is null
        """,
        (event_id,),
    )


async def find_to_change(scope: Scope, event_id: UUID) -> Event | None:
    """Return one event; nobody else changes it or its task until this transaction ends."""
    await scope.execute(
        """
        select from tasks t join task_calendar_events l on l.task_id = t.id
        where l.event_id = %s and l.deleted_at is null
        for no key update of t
        """,
        (event_id,),
    )
    await scope.execute("select from calendar_events where id = %s for no key update", (event_id,))
    return await find(scope, event_id)


async def find_of_task(scope: Scope, task_id: UUID) -> Event | None:
    """Return the event that a task is linked to, or None when it has none."""
    event_id = await scope.value(
        UUID,
        """
        select l.event_id from task_calendar_events l join calendar_events e on e.id = l.event_id
        where l.task_id = %s and l.deleted_at is null and e.deleted_at is null
        """,
        (task_id,),
    )
    return None if event_id is None else await find(scope, event_id)


async def links_of_task(scope: Scope, task_id: UUID, *, include_deleted: bool) -> list[Link]:
    """Return the links of a task, newest first."""
    return await scope.all(
        Link,
        """
        select l.id, l.event_id, e.summary, e.starts_at, e.ends_at, e.all_day, e.time_zone, l.created_at,
            coalesce(l.deleted_at, e.deleted_at) as deleted_at
        from task_calendar_events l join calendar_events e on e.id = l.event_id
        where l.task_id = %s and (%s or (l.deleted_at is null and e.deleted_at is null))
        order by l.created_at desc, l.id
        limit 50
        """,
        (task_id, include_deleted),
    )


async def insert_for_task(scope: Scope, task_id: UUID, event: NewEvent) -> Event:
    """Store an event and link a task to it, which has no live link yet."""
    event_id = await scope.value(
        UUID,
        """
        with event as (
            insert into calendar_events (
                summary, description, starts_at, ends_at, all_day, time_zone, recurrence, recurrence_ends)
            values (
                %(summary)s, %(description)s, %(starts_at)s, %(ends_at)s, %(all_day)s, %(time_zone)s,
                %(recurrence)s, %(recurrence_ends)s)
            returning id
        )
        insert into task_calendar_events (task_id, event_id) select %(task_id)s, id from event
        returning event_id
        """,
        asdict(event) | {"task_id": task_id},
    )
    assert event_id is not None, "an insert yields its row"
    stored = await find(scope, event_id)
    assert stored is not None, "it was stored a moment ago"
    return stored


async def save(scope: Scope, event: Event) -> None:
    """Store what can change of an event."""
    await scope.execute(
        """
        update calendar_events set
            summary = %(summary)s, description = %(description)s, starts_at = %(starts_at)s,
            ends_at = %(ends_at)s, all_day = %(all_day)s, time_zone = %(time_zone)s,
            recurrence = %(recurrence)s, recurrence_ends = %(recurrence_ends)s
        where id = %(id)s and deleted_at is null
        """,
        asdict(event),
    )


async def delete(scope: Scope, event_id: UUID) -> bool:
    """Mark an event and its links as deleted; say whether there was a live one."""
    touched = await scope.execute(
        "update calendar_events set deleted_at = now() where id = %s and deleted_at is null", (event_id,)
    )
    await scope.execute(
        "update task_calendar_events set deleted_at = now() where event_id = %s and deleted_at is null",
        (event_id,),
    )
    return touched > 0


async def move_event_of_task(scope: Scope, task_id: UUID, starts_at: datetime) -> bool:
    """Let the event of a task begin at another time, as long as before; say whether there is one.

    An all-day event becomes one of the task's length, because a task begins at a time of day.
    """
    touched = await scope.execute(
        """
        update calendar_events e set
            starts_at = %(starts_at)s,
            ends_at = %(starts_at)s + case
                when e.all_day then make_interval(mins => t.duration_minutes) else e.ends_at - e.starts_at end,
            all_day = false
        from task_calendar_events l join tasks t on t.id = l.task_id
        where l.task_id = %(task_id)s and l.event_id = e.id and l.deleted_at is null and e.deleted_at is null
        """,
        {"task_id": task_id, "starts_at": starts_at},
    )
    return touched > 0


async def unlink_event_of_task(scope: Scope, task_id: UUID) -> bool:
    """Mark the event of a task and their link as deleted; say whether there was one."""
    event = await find_of_task(scope, task_id)
    return event is not None and await delete(scope, event.id)


async def set_task_start(scope: Scope, task_id: UUID, starts_at: datetime | None) -> None:
    """Note on a task when its event begins; None is not scheduled."""
    await scope.execute("update tasks set start_date = %s where id = %s", (starts_at, task_id))


async def set_task_recurrence(scope: Scope, task_id: UUID, pattern: Pattern, ends: date | None) -> None:
    """Note on a task how its event repeats."""
    await scope.execute(
        "update tasks set task_type = 'recurring', recurrence_pattern = %s, recurrence_ends = %s where id = %s",
        (pattern, ends, task_id),
    )


async def assign_project(scope: Scope, task_id: UUID, project_id: UUID) -> None:
    """Put a task and all its subtasks into a project."""
    await scope.execute(
        """
        with recursive part as (
            select id from tasks where id = %(task_id)s
            union
            select t.id from tasks t join part on t.parent_task_id = part.id
        )
        update tasks set project_id = %(project_id)s from part where tasks.id = part.id
        """,
        {"task_id": task_id, "project_id": project_id},
    )
