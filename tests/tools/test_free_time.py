"""Free slots lie where they may, and nowhere else."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tools.free_time import MAX_SLOTS, free_slots
from tools.spans import Span

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")])
STARTS = st.datetimes(datetime(2026, 10, 20), datetime(2027, 4, 5)).map(  # noqa: DTZ001 (made aware below)
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)
LENGTHS = st.integers(5, 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
HOURS = st.frozensets(st.integers(0, 23), min_size=1)


def at(text: str) -> datetime:
    """Return a local time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@given(STARTS, st.integers(1, 6 * 24 * 60), st.lists(st.tuples(STARTS, LENGTHS)), LENGTHS, HOURS, ZONES)
def test_every_slot_may_be_taken(
    start: datetime,
    window_minutes: int,
    events: list[tuple[datetime, timedelta]],
    length: timedelta,
    hours: frozenset[int],
    zone: ZoneInfo,
) -> None:
    """A slot is as long as asked, in the window, in the hours, free, on the quarter, and overlaps no other."""
    window = Span(start, start + timedelta(minutes=window_minutes))
    busy = [Span(begin, begin + taken) for begin, taken in events]
    slots = free_slots(window, busy, length, hours, zone)
    assert len(slots) <= MAX_SLOTS
    for slot in slots:
        assert slot.end - slot.start == length
        assert window.start <= slot.start
        assert slot.end <= window.end
        assert not any(slot.start < taken.end and slot.end > taken.start for taken in busy)
        assert slot.start.astimezone(zone).minute % 15 == 0
        minutes = range(int(length.total_seconds()) // 60)
        assert {(slot.start + timedelta(minutes=n)).astimezone(zone).hour for n in minutes} <= hours
    assert all(one.end <= other.start for one, other in pairwise(slots))


@given(STARTS, st.integers(1, 20))
def test_slots_are_spread_over_the_days(start: datetime, days: int) -> None:
    """No day has more than its share of the ten, so that a week shows several days."""
    window = Span(start, start + timedelta(days=days))
    slots = free_slots(window, [], timedelta(minutes=30), range(8, 20), BERLIN)
    per_day = Counter(slot.start.astimezone(BERLIN).date() for slot in slots)
    assert max(per_day.values()) <= ceil(MAX_SLOTS / len(per_day))
    assert len(per_day) >= min(days, 5)


def test_hours_on_both_sides_of_midnight_are_one_stretch() -> None:
    """23 and 0 together hold two hours."""
    window = Span(at("2026-11-24T12:00"), at("2026-11-25T12:00"))
    slots = free_slots(window, [], timedelta(hours=2), [23, 0], BERLIN)
    assert slots == [Span(at("2026-11-24T23:00"), at("2026-11-25T01:00"))]


def test_an_hour_that_is_skipped_holds_nothing() -> None:
    """On the day the clocks go forward there is no time from 02:00 to 03:00."""
    window = Span(at("2027-03-28T00:00"), at("2027-03-28T12:00"))
    assert free_slots(window, [], timedelta(minutes=15), [2], BERLIN) == []


def test_an_hour_that_is_repeated_holds_two() -> None:
    """On the day the clocks go back there are two hours from 02:00 to 03:00."""
    window = Span(at("2026-10-25T00:00"), at("2026-10-25T12:00"))
    assert len(free_slots(window, [], timedelta(hours=1), [2], BERLIN)) == 2


def test_a_free_day_begins_at_the_next_quarter() -> None:
    """From 09:07 the first slot is at 09:15."""
    window = Span(at("2026-11-24T09:07"), at("2026-11-24T11:00"))
    assert free_slots(window, [], timedelta(hours=1), range(24), BERLIN)[0].start == at("2026-11-24T09:15")
