"""What a call would do to the calendar."""

from uuid import UUID

from persistence.workspace import calendar, namesakes, tasks
from persistence.workspace.calendar import Event, NewEvent
from tools import agenda, events_as_json
from tools.describing.description import Change, Description, differences, not_found
from tools.local_time import spoken_between, zone_named
from tools.tool import Caller
from tools.wording import quoted
from tools.write import event_times
from tools.write.calendar import (
    DeleteCalendarEvent,
    ScheduleTask,
    UpdateCalendarEvent,
    UpdateOrScheduleTask,
    changed,
    moved,
    new_event,
)
from tools.write.updates import differing


async def scheduled(args: ScheduleTask, caller: Caller) -> Description:
    """Describe a first place in the calendar.

    Raises:
        TimeRefused: it cannot be then.
    """
    async with caller.reading() as scope:
        task = await tasks.find(scope, args.task_id)
        if task is None:
            return not_found("task", args.task_id)
        event = await calendar.find_of_task(scope, task.id)
    start = event_times.start(args.start_time, task.start_date, caller.time_zone)
    new = new_event(task, start.at, caller.time_zone, args.duration_minutes)
    repeated = () if args.recurrence_pattern is None else (Change("recurrence", None, args.recurrence_pattern),)
    return Description(f"the task {quoted(task.title)}", (_placed(event, new, caller), *repeated))


async def moved_or_scheduled(args: UpdateOrScheduleTask, caller: Caller) -> Description:
    """Describe a new place in the calendar, wherever the task stood before.

    Raises:
        TimeRefused: it cannot be then.
    """
    zone = caller.time_zone if args.time_zone is None else zone_named(args.time_zone)
    async with caller.reading() as scope:
        task = await tasks.find(scope, args.task_id)
        if task is None:
            return not_found("task", args.task_id)
        event = await calendar.find_of_task(scope, task.id)
    start = event_times.start(args.start_time, task.start_date if event is None else event.starts_at, zone)
    after: Event | NewEvent
    if event is None or args.force_recreate:
        after = new_event(task, start.at, zone, args.duration_minutes)
    else:
        after = moved(event, task, start.at, args)
    rest = {
        name: value
        for name in ("recurrence_pattern", "recurrence_ends", "project_id")
        if (value := getattr(args, name)) is not None and value != getattr(task, name)
    }
    return Description(
        f"the task {quoted(task.title)}", (_placed(event, after, caller), *differences(task, rest, caller))
    )


async def updated(args: UpdateCalendarEvent, caller: Caller) -> Description:
    """Describe a change of an event.

    Raises:
        TimeRefused: it cannot be then.
    """
    event = await _event(args.event_id, caller)
    if event is None:
        return not_found("event", args.event_id)
    after, _ = changed(event, args.updates, caller)
    fields = {name: getattr(after, name) for name in ("summary", "starts_at", "ends_at", "description")}
    return Description(_named(event, caller), differences(event, differing(event, fields), caller))


async def deleted(args: DeleteCalendarEvent, caller: Caller) -> Description:
    """Describe the end of an event. A series gets no name: whoever names it may mean one day of it."""
    event = await _event(args.event_id, caller)
    if event is None:
        return not_found("event", args.event_id)
    async with caller.reading() as scope:
        alone = event.recurrence is None and await namesakes.of_event(scope, event.summary) == 1
    gone = Change("event", events_as_json.named(agenda.entry_of(event), caller), None)
    start = () if event.task_id is None else (Change("start_date of its task", event.task_title, None),)
    return Description(_named(event, caller), (gone, *start), event.summary if alone else None)


async def _event(event_id: UUID, caller: Caller) -> Event | None:
    async with caller.reading() as scope:
        return await calendar.find(scope, event_id)


def _named(event: Event, caller: Caller) -> str:
    series = "" if event.recurrence is None else f", repeated {event.recurrence}: all its occurrences"
    return f"the event {quoted(event.summary)}, {events_as_json.when(agenda.entry_of(event), caller)}{series}"


def _placed(before: Event | None, after: Event | NewEvent, caller: Caller) -> Change:
    now = None if before is None else events_as_json.when(agenda.entry_of(before), caller)
    return Change("calendar_event", now, spoken_between(after.starts_at, after.ends_at, caller.time_zone))
