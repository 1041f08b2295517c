"""When a task or an event is to be, from what a model wrote; what cannot be is refused."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from persistence.workspace.calendar import Event, Pattern
from tools.local_time import (
    EndBeforeStart,
    Moment,
    TimeOfDayMissing,
    TimeRefused,
    as_local,
    at_wall,
    resolve,
    resolve_end,
    with_time_of,
)

MAX_EVENT_DAYS: Final = 14  # the longest holiday; what is longer was meant for another year


class EventTooLong(TimeRefused):
    """An event would last longer than any does."""

    code = "event_too_long"

    def __init__(self) -> None:
        super().__init__(f"An event lasts at most {MAX_EVENT_DAYS} days. Check start_time and end_time.")


class AllDayNeedsDates(TimeRefused):
    """An all-day event was given a time of day."""

    code = "all_day_event"

    def __init__(self) -> None:
        super().__init__("This is an all-day event. Write dates alone; end_time is its last day.")


class SeriesWithoutPattern(TimeRefused):
    """A last day was given for something that does not repeat."""

    code = "no_recurrence"

    def __init__(self) -> None:
        super().__init__("recurrence_ends needs a recurrence_pattern: the event does not repeat.")


@dataclass(frozen=True, slots=True)
class Times:
    """When an event is to be, and what to say about how that was read."""

    starts_at: datetime
    ends_at: datetime
    note: str | None = None


def start(text: str, old: datetime | None, zone: ZoneInfo) -> Moment:
    """Resolve a start; a date alone keeps the old time of day.

    Raises:
        LocalTimeInvalid: it is no time.
        TimeOfDayMissing: a date alone, and there is no old time of day.
    """
    moment = resolve(text, zone)
    if not moment.date_only:
        return moment
    if old is None:
        raise TimeOfDayMissing(text)
    return with_time_of(moment, old, zone)


def check_series(start: datetime, zone: str, pattern: Pattern | None, last_day: date | None) -> None:
    """Refuse a series that is over before it begins.

    Raises:
        SeriesWithoutPattern: there is a last day and nothing that repeats.
        EndBeforeStart: the last day lies before the first.
    """
    if last_day is None:
        return
    if pattern is None:
        raise SeriesWithoutPattern
    first_day = start.astimezone(ZoneInfo(zone)).date()
    if last_day < first_day:
        raise EndBeforeStart(first_day.isoformat(), last_day.isoformat())


def changed(event: Event, start_time: str | None, end_time: str | None, zone: ZoneInfo) -> Times:
    """Return when an event is to be, which is when it was where nothing else is said.

    Raises:
        TimeRefused: it cannot be then.
    """
    if start_time is None and end_time is None:
        return Times(event.starts_at, event.ends_at)
    times = _all_day_times(event, start_time, end_time) if event.all_day else _timed(event, start_time, end_time, zone)
    if times.ends_at < times.starts_at:
        raise EndBeforeStart(as_local(times.starts_at, zone), as_local(times.ends_at, zone))
    if times.ends_at - times.starts_at > timedelta(days=MAX_EVENT_DAYS, hours=1):  # an hour: clocks go back
        raise EventTooLong
    check_series(times.starts_at, event.time_zone, event.recurrence, event.recurrence_ends)
    return times


def _timed(event: Event, start_time: str | None, end_time: str | None, zone: ZoneInfo) -> Times:
    start = Moment(event.starts_at)
    if start_time is not None:
        start = with_time_of(resolve(start_time, zone), event.starts_at, zone)
    end = Moment(start.at + (event.ends_at - event.starts_at))
    if end_time is not None:
        end = with_time_of(resolve(end_time, zone), event.ends_at, zone)
    return Times(start.at, end.at, " ".join(note for note in (start.note, end.note) if note) or None)


def _all_day_times(event: Event, start_time: str | None, end_time: str | None) -> Times:
    """Return the midnights between which an all-day event is to be, in its own time zone."""
    zone = ZoneInfo(event.time_zone)
    start, end = event.starts_at, event.ends_at
    if start_time is not None:
        start = _date_alone(resolve(start_time, zone))
        days = event.ends_at.astimezone(zone).date() - event.starts_at.astimezone(zone).date()
        end = at_wall(start.astimezone(zone).date() + days, time(), zone)
    if end_time is not None:
        end = _date_alone(resolve_end(end_time, zone))
    return Times(start, end)


def _date_alone(moment: Moment) -> datetime:
    if not moment.date_only:
        raise AllDayNeedsDates
    return moment.at
