"""Free slots: where in a window something of a given length fits."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, islice
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo

from tools.local_time import at_wall
from tools.spans import Span, joined, without

MAX_SLOTS: Final = 10
GRID_SECONDS: Final = 15 * 60  # people meet at a quarter past, not at 09:07


def free_slots(
    window: Span, busy: Iterable[Span], length: timedelta, hours: Collection[int], zone: ZoneInfo
) -> list[Span]:
    """Return at most `MAX_SLOTS` slots that are free, earliest first, spread over the days.

    A slot lies wholly in the window and in the given hours of the zone's days
    (9 is 09:00 up to 10:00), and touches nothing busy. No two overlap.
    """
    free = without(_in_hours(window, hours, zone), busy)
    slots = [slot for span in free for slot in _slots(span, length)]
    return list(islice(_spread(slots, zone), MAX_SLOTS))


def _in_hours(window: Span, hours: Collection[int], zone: ZoneInfo) -> list[Span]:
    """Return the window's time in these hours; neighbours are joined, also over midnight."""
    days = _days(window, zone)
    return joined(_hour(day, hour, zone).within(window) for day in days for hour in hours)


def _days(window: Span, zone: ZoneInfo) -> Iterator[date]:
    day = window.start.astimezone(zone).date()
    while day <= window.end.astimezone(zone).date():
        yield day
        day += timedelta(days=1)


def _hour(day: date, hour: int, zone: ZoneInfo) -> Span:
    """Return one hour of a day's clock: empty when it is skipped, two hours when it is repeated."""
    next_hour = datetime.combine(day, time(hour)) + timedelta(hours=1)
    return Span(at_wall(day, time(hour), zone), at_wall(next_hour.date(), next_hour.time(), zone))


def _slots(free: Span, length: timedelta) -> Iterator[Span]:
    start = _on_grid(free.start)
    while start + length <= free.end:
        yield Span(start, start + length)
        start = _on_grid(start + length)


def _on_grid(at: datetime) -> datetime:
    """Return the first quarter of an hour that is not before the moment."""
    return datetime.fromtimestamp(ceil(at.timestamp() / GRID_SECONDS) * GRID_SECONDS, UTC)


def _spread(slots: Sequence[Span], zone: ZoneInfo) -> Iterator[Span]:
    """Yield the first slots of each day that has any, no more than its share of `MAX_SLOTS`."""
    days = {slot.start.astimezone(zone).date() for slot in slots}
    share = ceil(MAX_SLOTS / max(1, len(days)))
    for _, of_day in groupby(slots, key=lambda slot: slot.start.astimezone(zone).date()):
        yield from islice(of_day, share)
