"""Calendar events as the model reads them.

Times are ISO 8601 in the caller's zone. An all-day event has its first and its
last day instead, and how many days that is.
"""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from persistence.text import shortened
from persistence.workspace.calendar import Event, Link
from tools.agenda import Entry, entry_of
from tools.local_time import as_local, spoken_between, spoken_day
from tools.spans import Span
from tools.tool import Caller, ToolAnswer, refused
from tools.wording import quoted

Json = dict[str, JsonValue]

DESCRIPTION_CHARS: Final = 200


def entry(found: Entry, caller: Caller) -> Json:
    """Return one occurrence of an event."""
    event = found.event
    return {
        "event_id": str(event.id),
        "summary": event.summary,
        "description": shortened(event.description, DESCRIPTION_CHARS),
        **_times(found.span, caller, ZoneInfo(event.time_zone) if event.all_day else None),
        "recurrence": event.recurrence,
        "recurrence_ends": None if event.recurrence_ends is None else event.recurrence_ends.isoformat(),
        "task": None if event.task_id is None else {"id": str(event.task_id), "title": event.task_title},
    }


def whole(event: Event, caller: Caller) -> Json:
    """Return an event, or the first occurrence of a series, with its whole description."""
    return entry(entry_of(event), caller) | {"description": event.description}


def link(row: Link, caller: Caller) -> Json:
    """Return a link of a task to an event."""
    span = Span(row.starts_at, row.ends_at)
    return {
        "link_id": str(row.id),
        "event_id": str(row.event_id),
        "summary": row.summary,
        **_times(span, caller, ZoneInfo(row.time_zone) if row.all_day else None),
        "linked_at": as_local(row.created_at, caller.time_zone),
        "deleted_at": None if row.deleted_at is None else as_local(row.deleted_at, caller.time_zone),
    }


def when(found: Entry, caller: Caller) -> str:
    """Return in short words when an occurrence is."""
    if not found.event.all_day:
        return spoken_between(found.span.start, found.span.end, caller.time_zone)
    first, last = _first_and_last_day(found.span, ZoneInfo(found.event.time_zone))
    return f"{spoken_day(first)}, all day" if first == last else f"{spoken_day(first)} – {spoken_day(last)}, all day"


def no_event(event_id: UUID) -> ToolAnswer:
    """Refuse an id that is no event of the caller's, in the words of `tools.wording`."""
    return refused(f"There is no calendar event {event_id}. Look it up with get_calendar_events.", code="not_found")


def named(found: Entry, caller: Caller) -> str:
    """Return an occurrence as a sentence names it."""
    return f"{quoted(found.event.summary)} ({when(found, caller)})"


def _times(span: Span, caller: Caller, all_day_zone: ZoneInfo | None) -> Json:
    if all_day_zone is None:
        return {
            "start_time": as_local(span.start, caller.time_zone),
            "end_time": as_local(span.end, caller.time_zone),
            "all_day": False,
        }
    first, last = _first_and_last_day(span, all_day_zone)
    return {
        "start_time": first.isoformat(),
        "end_time": last.isoformat(),
        "all_day": True,
        "days": (last - first).days + 1,
    }


def _first_and_last_day(span: Span, zone: ZoneInfo) -> tuple[date, date]:
    """Return the days of an all-day event, which ends at the midnight after its last one."""
    last_moment: datetime = max(span.start, span.end - timedelta(seconds=1))
    return span.start.astimezone(zone).date(), last_moment.astimezone(zone).date()
