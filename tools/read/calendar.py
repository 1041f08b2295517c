"""Tools: look into the calendar, find free time, see a task's event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from persistence.workspace import calendar, tasks
from tools import agenda, events_as_json, wording
from tools.fields import Minutes
from tools.fitting import fitted
from tools.free_time import MAX_SLOTS, free_slots
from tools.limits import clamped
from tools.local_time import (
    EndBeforeStart,
    Moment,
    answers_bad_times,
    as_local,
    resolve,
    resolve_end,
    spoken,
    spoken_between,
)
from tools.spans import Span
from tools.tool import Access, AnyTool, Args, Caller, Tool, ToolAnswer, refused

MOST_EVENTS: Final = 50
DEFAULT_LISTED_DAYS: Final = 7
MAX_LISTED_DAYS: Final = 366  # a year can be looked at; every series is unfolded over the window
MAX_SEARCHED_DAYS: Final = 62  # two months: nobody picks a slot further away from ten proposals
WAKING_HOURS: Final = range(8, 20)

Hour = Annotated[int, Field(ge=0, le=23)]


class GetCalendarEvents(Args):
    """List calendar events between two times, earliest first. Recurring events appear once for each occurrence."""

    time_min: str | None = Field(
        default=None, description="ISO 8601, 2027-03-28 or 2027-03-28T14:30, in the user's time zone. Default: now."
    )
    time_max: str | None = Field(
        default=None, description="As time_min; a date alone includes that day. Default: 7 days after time_min."
    )
    limit: int = Field(default=20, description=f"How many events to show, at most {MOST_EVENTS}.")


class FindAvailableSlots(Args):
    """Find free time between two times: at most 10 slots, spread over the days. All-day events do not block."""

    time_min: str = Field(description="ISO 8601, 2027-03-28 or 2027-03-28T14:30, in the user's time zone.")
    time_max: str = Field(description="As time_min; a date alone includes that day.")
    duration_minutes: Minutes = Field(default=60, description="How long a slot has to be.")
    preferred_hours: list[Hour] = Field(
        default=[],
        max_length=24,
        description="Hours of the day, in the user's time zone, that a slot must lie wholly in: [9, 10] is 09:00 to "
        "11:00. Default: 8 to 19, which is 08:00 to 20:00.",
    )


class GetTaskCalendarEvents(Args):
    """List the links of a task to calendar events, newest first."""

    task_id: UUID = Field(description="The task's id, as list_tasks gave it.")
    include_deleted: bool = Field(default=False, description="Also links that no longer hold.")


class CheckTaskHasCalendarEvent(Args):
    """Say whether a task stands in the calendar, and when."""

    task_id: UUID = Field(description="The task's id, as list_tasks gave it.")


@answers_bad_times
async def get_calendar_events(args: GetCalendarEvents, caller: Caller) -> ToolAnswer:
    """Answer with what touches the window."""
    window = _window(args.time_min, args.time_max, caller).at_most(MAX_LISTED_DAYS)
    limit = clamped(args.limit, MOST_EVENTS)
    async with caller.reading() as scope:
        scope.ends_with_next()
        found = await agenda.entries(scope, window.span, limit.rows + 1)
    shown = found[: limit.rows]
    return fitted(
        _sentences(_events_message(shown, window, caller, has_more=len(found) > len(shown)), *window.notes)
        + limit.note,
        events=[events_as_json.entry(entry, caller) for entry in shown],
        has_more=len(found) > len(shown),
        time_min=as_local(window.span.start, caller.time_zone),
        time_max=as_local(window.span.end, caller.time_zone),
    )


@answers_bad_times
async def find_available_slots(args: FindAvailableSlots, caller: Caller) -> ToolAnswer:
    """Answer with slots that lie in the window and the hours, in the future, and touch no event."""
    asked = _window(args.time_min, args.time_max, caller)
    if asked.span.end <= caller.now:
        return refused(f"That time is over: it is {as_local(caller.now, caller.time_zone)}.", "in_the_past")
    window = asked.from_now_on(caller).at_most(MAX_SEARCHED_DAYS)
    async with caller.reading() as scope:
        scope.ends_with_next()
        taken = await agenda.entries(scope, window.span)
    busy = [entry.span for entry in taken if agenda.blocks(entry)]
    hours = frozenset(args.preferred_hours or WAKING_HOURS)
    slots = free_slots(window.span, busy, timedelta(minutes=args.duration_minutes), hours, caller.time_zone)
    return fitted(
        _sentences(_slots_message(slots, args, caller), *window.notes),
        slots=[
            {
                "start_time": as_local(slot.start, caller.time_zone),
                "end_time": as_local(slot.end, caller.time_zone),
                "label": spoken_between(slot.start, slot.end, caller.time_zone),
            }
            for slot in slots
        ],
        time_min=as_local(window.span.start, caller.time_zone),
        time_max=as_local(window.span.end, caller.time_zone),
    )


async def get_task_calendar_events(args: GetTaskCalendarEvents, caller: Caller) -> ToolAnswer:
    """Answer with the link rows of a task."""
    async with caller.reading() as scope:
        task = await tasks.find(scope, args.task_id)
        if task is None:
            return wording.no_task(args.task_id)
        scope.ends_with_next()
        links = await calendar.links_of_task(scope, task.id, include_deleted=args.include_deleted)
    hint = "Change it with update_calendar_event." if links else "Schedule the task with schedule_task."
    return fitted(
        f"{wording.quoted(task.title)} has {wording.counted(len(links), 'calendar link')}. {hint}",
        links=[events_as_json.link(link, caller) for link in links],
    )


async def check_task_has_calendar_event(args: CheckTaskHasCalendarEvent, caller: Caller) -> ToolAnswer:
    """Answer with the live event of a task, if it has one."""
    async with caller.reading() as scope:
        task = await tasks.find(scope, args.task_id)
        if task is None:
            return wording.no_task(args.task_id)
        event = await calendar.find_of_task(scope, task.id)
    if event is None:
        return fitted(
            f"{wording.quoted(task.title)} is not in the calendar. Schedule it with schedule_task.",
            has_event=False,
            event=None,
        )
    return fitted(
        f"{wording.quoted(task.title)} is in the calendar: {events_as_json.when(agenda.entry_of(event), caller)}."
        " Move it with update_or_schedule_task.",
        has_event=True,
        event=events_as_json.whole(event, caller),
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """The time that was asked about, and what the person should know about how it was read."""

    span: Span
    notes: tuple[str, ...] = ()

    def at_most(self, days: int) -> "_Window":
        """Return the window, cut after that many days."""
        last = self.span.start + timedelta(days=days)
        if self.span.end <= last:
            return self
        note = f"Only the first {days} days are covered: ask for the time after that separately."
        return _Window(Span(self.span.start, last), (*self.notes, note))

    def from_now_on(self, caller: Caller) -> "_Window":
        """Return the part of the window that is not over yet."""
        return _Window(Span(max(self.span.start, caller.now), self.span.end), self.notes)


def _window(time_min: str | None, time_max: str | None, caller: Caller) -> _Window:
    """Resolve the two ends of a window.

    Raises:
        LocalTimeInvalid: one of them is no time.
        EndBeforeStart: nothing lies between them.
    """
    zone = caller.time_zone
    start = Moment(caller.now) if time_min is None else resolve(time_min, zone)
    default = Moment(start.at + timedelta(days=DEFAULT_LISTED_DAYS))
    end = default if time_max is None else resolve_end(time_max, zone)
    if end.at <= start.at:
        raise EndBeforeStart(as_local(start.at, zone), as_local(end.at, zone))
    return _Window(Span(start.at, end.at), tuple(note for note in (start.note, end.note) if note))


def _events_message(shown: Sequence[agenda.Entry], window: _Window, caller: Caller, *, has_more: bool) -> str:
    between = f"{spoken(window.span.start, caller.time_zone)} – {spoken(window.span.end, caller.time_zone)}"
    if not shown:
        return f"No event, {between}."
    if has_more:
        return f"The first {wording.counted(len(shown), 'event')}, {between}; ask for less time to see the others."
    return f"{wording.counted(len(shown), 'event')}, {between}."


def _slots_message(slots: Sequence[Span], args: FindAvailableSlots, caller: Caller) -> str:
    hours = "in the preferred hours" if args.preferred_hours else f"between {WAKING_HOURS[0]} and {WAKING_HOURS.stop} h"
    length = f"{args.duration_minutes} minutes"
    if not slots:
        return f"No free slot of {length} {hours}. Ask for a shorter one, other preferred_hours or a longer window."
    first = spoken(slots[0].start, caller.time_zone)
    most = f" (at most {MAX_SLOTS} are shown)" if len(slots) == MAX_SLOTS else ""
    return (
        f"{wording.counted(len(slots), 'free slot')} of {length} {hours}{most}, the first on {first}."
        " All-day events do not block. Take one with schedule_task."
    )


def _sentences(*parts: str) -> str:
    return " ".join(parts)


TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(name="get_calendar_events", args=GetCalendarEvents, run=get_calendar_events, access=Access.READ),
    Tool(name="find_available_slots", args=FindAvailableSlots, run=find_available_slots, access=Access.READ),
    Tool(name="get_task_calendar_events", args=GetTaskCalendarEvents, run=get_task_calendar_events, access=Access.READ),
    Tool(
        name="check_task_has_calendar_event",
        args=CheckTaskHasCalendarEvent,
        run=check_task_has_calendar_event,
        access=Access.READ,
    ),
)
