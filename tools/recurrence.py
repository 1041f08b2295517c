"""Recurring events: the occurrences of a series that fall into a window.

A series is stored once and unfolded when it is read, in the local time of the
zone it was made in: 09:00 stays 09:00 when the clocks change.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

from persistence.workspace.calendar import Pattern
from tools.local_time import at_wall
from tools.spans import Span

DAYS_BETWEEN: Final = {"daily": 1, "weekdays": 1, "weekly": 7, "biweekly": 14}
SATURDAY: Final = 5
MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Series:
    """An event and how it repeats; without a pattern it occurs once.

    The first span is its first occurrence, whatever weekday that is. `last_day`
    is the last local day on which one may start.
    """

    first: Span
    zone: ZoneInfo
    pattern: Pattern | None = None
    last_day: date | None = None
    all_day: bool = False


def occurrences(series: Series, window: Span) -> Iterator[Span]:
    """Yield the occurrences that touch the window, earliest first.

    Weekdays are Monday to Friday. A monthly series from the 29th, 30th or 31st
    takes the last day of a month that is too short.
    """
    for span in _unfolded(series, window):
        if span.start >= window.end:
            return
        if span.touches(window):
            yield span


def _unfolded(series: Series, window: Span) -> Iterator[Span]:
    """Yield the series from shortly before the window, without end unless it has one."""
    if series.pattern is None:
        yield series.first
        return
    first_day = series.first.start.astimezone(series.zone).date()
    length = series.first.end - series.first.start
    early_enough = (window.start - length - timedelta(days=2)).astimezone(series.zone).date()
    for day in _days(first_day, series.pattern, max(first_day, early_enough)):
        if series.last_day is not None and day > series.last_day:
            return
        yield series.first if day == first_day else _on(series, day)


def _days(first: date, pattern: Pattern, since: date) -> Iterator[date]:
    """Yield the days of a pattern from about `since`, which is not before the first."""
    if pattern == "monthly":
        months = MONTHS_A_YEAR * (since.year - first.year) + since.month - first.month
        yield from (_months_later(first, n) for n in count(months))
    step = DAYS_BETWEEN[pattern]
    skipped = (since - first).days // step
    days = (first + timedelta(days=step * n) for n in count(skipped))
    yield from (day for day in days if pattern != "weekdays" or day.weekday() < SATURDAY or day == first)


def _months_later(first: date, months: int) -> date:
    year, month = divmod(first.month - 1 + months, MONTHS_A_YEAR)
    year, month = first.year + year, month + 1
    return date(year, month, min(first.day, monthrange(year, month)[1]))


def _on(series: Series, day: date) -> Span:
    """Return the occurrence of a day: all-day events keep their days, others their length."""
    start, end = (at.astimezone(series.zone) for at in (series.first.start, series.first.end))
    begins = at_wall(day, start.time(), series.zone)
    if series.all_day:
        return Span(begins, at_wall(day + (end.date() - start.date()), end.time(), series.zone))
    return Span(begins, begins + (series.first.end - series.first.start))
