"""What stands in a person's calendar in a window: events, and series unfolded."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from zoneinfo import ZoneInfo

from persistence.scope import Scope
from persistence.workspace import calendar
from persistence.workspace.calendar import Event
from tools.recurrence import Series, occurrences
from tools.spans import Span


@dataclass(frozen=True, slots=True)
class Entry:
    """One occurrence of an event, and when it is."""

    event: Event
    span: Span


async def entries(scope: Scope, window: Span, limit: int | None = None) -> list[Entry]:
    """Return what touches the window, earliest first; all of it, or the first `limit`."""
    single, repeated = await scope.together(
        calendar.one_off_between(scope, window.start, window.end, limit),
        calendar.recurring_before(scope, window.end),
    )
    in_order = merge(
        (entry_of(event) for event in single), *(_unfolded(event, window) for event in repeated), key=_place
    )
    return list(islice(in_order, limit))


async def conflicts(scope: Scope, event: Event) -> list[Entry]:
    """Return what else is at the time of an event, in its first occurrence; all-day events are not."""
    found = await entries(scope, entry_of(event).span)
    return [entry for entry in found if entry.event.id != event.id and blocks(entry)]


def blocks(entry: Entry) -> bool:
    """Say whether an entry takes up time: all-day events and those without length do not."""
    return not entry.event.all_day and entry.span.start < entry.span.end


def entry_of(event: Event) -> Entry:
    """Return an event's only or first occurrence."""
    return Entry(event, Span(event.starts_at, event.ends_at))


def _unfolded(event: Event, window: Span) -> Iterator[Entry]:
    series = Series(
        first=Span(event.starts_at, event.ends_at),
        zone=ZoneInfo(event.time_zone),
        pattern=event.recurrence,
        last_day=event.recurrence_ends,
        all_day=event.all_day,
    )
    return (Entry(event, span) for span in occurrences(series, window))


def _place(entry: Entry) -> tuple[Span, str]:
    """Return what entries are ordered by, the same in every run."""
    return entry.span, str(entry.event.id)
