"""Tools: put a task into the calendar, change an event, delete one.

A task and its live event agree: the task starts when its event does. Deleting
the event leaves the task, without a start. A change to a series changes all of
it. Events may overlap; the message names what else is at that time.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from persistence.scope import Scope
from persistence.workspace import calendar, projects, tasks
from persistence.workspace.calendar import Event, NewEvent, Pattern
from persistence.workspace.tasks import Task
from tools import agenda, events_as_json, wording
from tools.fields import Day, Minutes, Text, Title
from tools.fitting import fitted
from tools.local_time import answers_bad_times, zone_named
from tools.tool import Access, AnyTool, Args, Caller, Harm, Tool, ToolAnswer, refused
from tools.write import event_times
from tools.write.updates import Updates

NAMED_CONFLICTS: Final = 3


class ScheduleTask(Args):
    """Put a task into the calendar that is not there yet. update_or_schedule_task moves one that is."""

    task_id: UUID = Field(description="The task's id, as list_tasks gave it.")
    start_time: str = Field(description="ISO 8601 with a time, 2027-03-28T14:30, in the user's time zone.")
    duration_minutes: Minutes | None = Field(default=None, description="Default: the task's own.")
    recurrence_pattern: Pattern | None = Field(default=None, description="weekdays: Monday to Friday.")


class EventUpdates(Updates):
    """The event's fields to change; at least one."""

    summary: Title | None = None
    start_time: str | None = Field(
        default=None,
        description="ISO 8601 in the user's time zone. The event keeps its length; a date alone keeps its time of day.",
    )
    end_time: str | None = Field(default=None, description="As start_time. Of an all-day event: its last day.")
    description: Text | None = None


class UpdateCalendarEvent(Args):
    """Change a calendar event, all occurrences of it. Its task starts when the event does."""

    event_id: UUID = Field(description="The event's id, as get_calendar_events gave it.")
    updates: EventUpdates


class DeleteCalendarEvent(Args):
    """Delete a calendar event, all occurrences of it. Its task stays, without a start."""

    event_id: UUID = Field(description="The event's id, as get_calendar_events gave it.")


class UpdateOrScheduleTask(Args):
    """Move the calendar event of a task, or put the task into the calendar when it is not there yet."""

    task_id: UUID = Field(description="The task's id, as list_tasks gave it.")
    start_time: str = Field(
        description="ISO 8601, 2027-03-28T14:30, in the user's time zone. A date alone keeps the old time of day."
    )
    project_id: UUID | None = Field(default=None, description="Also put the task and its subtasks into this project.")
    duration_minutes: Minutes | None = Field(default=None, description="Default: as long as before, else the task's.")
    force_recreate: bool = Field(default=False, description="Delete the old event and make a new one.")
    recurrence_pattern: Pattern | None = Field(default=None, description="weekdays: Monday to Friday.")
    recurrence_ends: Day | None = Field(default=None, description="The last day of the series, 2027-03-28.")
    time_zone: str | None = Field(
        default=None, description="IANA name such as Europe/Berlin, when start_time is not in the user's time zone."
    )


@answers_bad_times
async def schedule_task(args: ScheduleTask, caller: Caller) -> ToolAnswer:
    """Make an event of the task and link the two."""
    scope = caller.writing()
    task = await tasks.find_to_change(scope, args.task_id)
    if task is None:
        return wording.no_task(args.task_id)
    linked = await calendar.find_of_task(scope, task.id)
    if linked is not None:
        return _already_scheduled(linked, caller)
    start = event_times.start(args.start_time, task.start_date, caller.time_zone)
    event = new_event(task, start.at, caller.time_zone, args.duration_minutes)
    stored = await _put(scope, task, replace(event, recurrence=args.recurrence_pattern))
    return await _told(scope, "Scheduled", stored, start.note, caller)


@answers_bad_times
async def update_or_schedule_task(args: UpdateOrScheduleTask, caller: Caller) -> ToolAnswer:
    """Move the event that the task has, or make one."""
    scope = caller.writing()
    zone = caller.time_zone if args.time_zone is None else zone_named(args.time_zone)
    task = await tasks.find_to_change(scope, args.task_id)
    if task is None:
        return wording.no_task(args.task_id)
    linked = await calendar.find_of_task(scope, task.id)
    start = event_times.start(args.start_time, task.start_date if linked is None else linked.starts_at, zone)
    refusal = await _assign_project(scope, task, args.project_id)
    if refusal is not None:
        return refusal
    if linked is not None and not args.force_recreate:
        event = await _move(scope, task, moved(linked, task, start.at, args))
        return await _told(scope, "Moved", event, start.note, caller)
    new = _repeating(new_event(task, start.at, zone, args.duration_minutes), args)
    if linked is not None:
        await calendar.delete(scope, linked.id)
    stored = await _put(scope, task, new)
    return await _told(scope, "Scheduled" if linked is None else "Scheduled anew:", stored, start.note, caller)


@answers_bad_times
async def update_calendar_event(args: UpdateCalendarEvent, caller: Caller) -> ToolAnswer:
    """Store the fields that differ, and let the task follow the start."""
    scope = caller.writing()
    event = await calendar.find_to_change(scope, args.event_id)
    if event is None:
        return events_as_json.no_event(args.event_id)
    after, note = changed(event, args.updates, caller)
    if after == event:
        return fitted(wording.updated("event", event.summary, ()), event=events_as_json.whole(event, caller))
    await calendar.save(scope, after)
    if event.task_id is not None:
        await calendar.set_task_start(scope, event.task_id, after.starts_at)
    return await _told(scope, "Updated", after, note, caller)


async def delete_calendar_event(args: DeleteCalendarEvent, caller: Caller) -> ToolAnswer:
    """Mark an event as deleted; its task is not scheduled any more."""
    scope = caller.writing()
    event = await calendar.find_to_change(scope, args.event_id)
    if event is None:
        return events_as_json.no_event(args.event_id)
    await calendar.delete(scope, event.id)
    if event.task_id is not None:
        await calendar.set_task_start(scope, event.task_id, None)
    return fitted(
        f"Deleted the event {events_as_json.named(agenda.entry_of(event), caller)}"
        + (" with all its occurrences." if event.recurrence else ".")
        + (" Its task stays, without a start; schedule_task puts it back." if event.task_id else ""),
        event_id=str(event.id),
        task_id=None if event.task_id is None else str(event.task_id),
    )


def changed(event: Event, updates: EventUpdates, caller: Caller) -> tuple[Event, str | None]:
    """Return an event with these updates, and what to say about how its times were read.

    Raises:
        TimeRefused: it cannot be then.
    """
    times = event_times.changed(event, updates.start_time, updates.end_time, caller.time_zone)
    after = replace(
        event,
        summary=event.summary if updates.summary is None else updates.summary,
        description=event.description if updates.description is None else updates.description,
        starts_at=times.starts_at,
        ends_at=times.ends_at,
    )
    return after, times.note


def new_event(task: Task, start: datetime, zone: ZoneInfo, minutes: int | None) -> NewEvent:
    """Return a task's event at a time, as long as asked, else as the task."""
    length = timedelta(minutes=minutes or task.duration_minutes)
    return NewEvent(summary=task.title, starts_at=start, ends_at=start + length, time_zone=zone.key)


def _repeating(event: NewEvent, args: UpdateOrScheduleTask) -> NewEvent:
    repeated = replace(event, recurrence=args.recurrence_pattern, recurrence_ends=args.recurrence_ends)
    event_times.check_series(repeated.starts_at, repeated.time_zone, repeated.recurrence, repeated.recurrence_ends)
    return repeated


def moved(event: Event, task: Task, start: datetime, args: UpdateOrScheduleTask) -> Event:
    """Return the task's event at its new time; an all-day event becomes one of the task's length."""
    old_length = timedelta(minutes=task.duration_minutes) if event.all_day else event.ends_at - event.starts_at
    length = old_length if args.duration_minutes is None else timedelta(minutes=args.duration_minutes)
    after = replace(
        event,
        starts_at=start,
        ends_at=start + length,
        all_day=False,
        time_zone=args.time_zone or event.time_zone,
        recurrence=args.recurrence_pattern or event.recurrence,
        recurrence_ends=args.recurrence_ends or event.recurrence_ends,
    )
    event_times.check_series(after.starts_at, after.time_zone, after.recurrence, after.recurrence_ends)
    return after


async def _put(scope: Scope, task: Task, event: NewEvent) -> Event:
    """Store a task's first live event, and on the task when it starts."""
    stored = await calendar.insert_for_task(scope, task.id, event)
    await _note_on_task(scope, task, stored)
    return stored


async def _move(scope: Scope, task: Task, event: Event) -> Event:
    await calendar.save(scope, event)
    await _note_on_task(scope, task, event)
    return event


async def _note_on_task(scope: Scope, task: Task, event: Event) -> None:
    await calendar.set_task_start(scope, task.id, event.starts_at)
    if event.recurrence is not None:
        await calendar.set_task_recurrence(scope, task.id, event.recurrence, event.recurrence_ends)


async def _assign_project(scope: Scope, task: Task, project_id: UUID | None) -> ToolAnswer | None:
    """Put the task into a project, if one is named; return why that cannot be."""
    if project_id is None or project_id == task.project_id:
        return None
    if not await projects.keep(scope, project_id):
        return wording.no_project(project_id)
    parent = None if task.parent_task_id is None else await tasks.find(scope, task.parent_task_id)
    if parent is not None and parent.project_id not in {None, project_id}:
        return refused(f"Its parent task is in another project, {parent.project_id}. A subtask has its parent's.")
    await calendar.assign_project(scope, task.id, project_id)
    return None


async def _told(scope: Scope, verb: str, event: Event, note: str | None, caller: Caller) -> ToolAnswer:
    """Answer with an event that was stored, and what the person should know about it."""
    others = await agenda.conflicts(scope, event)
    parts = [f"{verb} {events_as_json.named(agenda.entry_of(event), caller)}{_series_words(event)}.", note or ""]
    if event.ends_at < caller.now:
        parts.append("That is in the past.")
    if others:
        parts.append(_conflict_words(others, caller))
    return fitted(
        " ".join(part for part in parts if part),
        event=events_as_json.whole(event, caller),
        conflicts=[events_as_json.entry(other, caller) for other in others[:NAMED_CONFLICTS]],
    )


def _series_words(event: Event) -> str:
    if event.recurrence is None:
        return ""
    last = "" if event.recurrence_ends is None else f" until {event.recurrence_ends}"
    return f", repeated {event.recurrence}{last}"


def _conflict_words(others: list[agenda.Entry], caller: Caller) -> str:
    names = ", ".join(events_as_json.named(other, caller) for other in others[:NAMED_CONFLICTS])
    more = f" and {len(others) - NAMED_CONFLICTS} more" if len(others) > NAMED_CONFLICTS else ""
    return f"At the same time: {names}{more}. find_available_slots finds a free time."


def _already_scheduled(event: Event, caller: Caller) -> ToolAnswer:
    return refused(
        f"It already is in the calendar: {events_as_json.named(agenda.entry_of(event), caller)}."
        " Move it with update_or_schedule_task.",
        "already_scheduled",
    )


_OF_TASKS: Final = {"": "time", "project_id": "task_project"}
_OF_EVENTS: Final = {"summary": "event_title", "description": "event_text", "start_time": "time", "end_time": "time"}

TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(name="schedule_task", args=ScheduleTask, run=schedule_task, access=Access.WRITE, kinds=_OF_TASKS),
    Tool(
        name="update_calendar_event",
        args=UpdateCalendarEvent,
        run=update_calendar_event,
        access=Access.WRITE,
        kinds=_OF_EVENTS,
    ),
    Tool(
        name="delete_calendar_event",
        args=DeleteCalendarEvent,
        run=delete_calendar_event,
        access=Access.WRITE,
        harm=lambda _: Harm.DELETES,
        kinds={"": "event_deleted"},
    ),
    Tool(
        name="update_or_schedule_task",
        args=UpdateOrScheduleTask,
        run=update_or_schedule_task,
        access=Access.WRITE,
        kinds=_OF_TASKS,
    ),
)
