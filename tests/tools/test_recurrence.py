"""A series is unfolded in local time, exactly over the window that is asked for."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.workspace.calendar import Pattern
from tools.local_time import at_wall
from tools.recurrence import Series, occurrences
from tools.spans import Span

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])
PATTERNS: st.SearchStrategy[Pattern] = st.sampled_from(["daily", "weekdays", "weekly", "biweekly", "monthly"])
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 (made aware below)
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)
LENGTHS = st.integers(0, 3 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def series(draw: st.DrawFn) -> Series:
    """Draw a series that may have a last day."""
    start = draw(STARTS)
    zone = draw(ZONES)
    last_days = st.none() | st.integers(0, 400).map(lambda days: start.astimezone(zone).date() + timedelta(days=days))
    return Series(Span(start, start + draw(LENGTHS)), zone, draw(PATTERNS), draw(last_days))


def at(text: str) -> datetime:
    """Return a local time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def days(pattern: Pattern, first: str, number: int) -> list[str]:
    """Return the days of the first occurrences of a series at nine."""
    start = at(f"{first}T09:00")
    unfolded = occurrences(
        Series(Span(start, start + timedelta(hours=1)), BERLIN, pattern), Span(start, start + timedelta(days=900))
    )
    return [span.start.astimezone(BERLIN).date().isoformat() for span in islice(unfolded, number)]


@pytest.mark.parametrize(
    ("pattern", "first", "expected"),
    [
        pytest.param("daily", "2026-11-27", ["2026-11-27", "2026-11-28", "2026-11-29"], id="daily"),
        pytest.param("weekdays", "2026-11-27", ["2026-11-27", "2026-11-30", "2026-12-01"], id="weekdays, from Friday"),
        pytest.param(
            "weekdays", "2026-11-28", ["2026-11-28", "2026-11-30", "2026-12-01"], id="weekdays, from Saturday"
        ),
        pytest.param("weekly", "2026-11-27", ["2026-11-27", "2026-12-04", "2026-12-11"], id="weekly"),
        pytest.param("biweekly", "2026-11-27", ["2026-11-27", "2026-12-11", "2026-12-25"], id="biweekly"),
        pytest.param("monthly", "2026-12-31", ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"], id="monthly"),
        pytest.param("monthly", "2028-01-30", ["2028-01-30", "2028-02-29", "2028-03-30"], id="monthly, leap year"),
    ],
)
def test_a_pattern_falls_on_its_days(pattern: Pattern, first: str, expected: list[str]) -> None:
    """Each pattern has its days; the first occurrence counts whatever day it is."""
    assert days(pattern, first, len(expected)) == expected


def test_nine_stays_nine_when_the_clocks_change() -> None:
    """A daily 09:00 is at 09:00 on both sides of the change, in UTC an hour apart."""
    start = at("2027-03-27T09:00")
    spans = list(
        occurrences(
            Series(Span(start, start + timedelta(hours=1)), BERLIN, "daily"), Span(start, start + timedelta(days=2))
        )
    )
    assert [span.start for span in spans] == [at("2027-03-27T09:00"), at("2027-03-28T09:00"), at("2027-03-29T09:00")]
    assert spans[1].start - spans[0].start == timedelta(hours=23)
    assert {span.end - span.start for span in spans} == {timedelta(hours=1)}


def test_a_whole_day_stays_a_whole_day_when_the_clocks_change() -> None:
    """An all-day series runs from midnight to midnight, also over 23 hours."""
    first = Span(at("2027-03-27T00:00"), at("2027-03-28T00:00"))
    spans = list(occurrences(Series(first, BERLIN, "daily", all_day=True), Span(first.start, at("2027-03-30T00:00"))))
    assert spans[1] == Span(at("2027-03-28T00:00"), at("2027-03-29T00:00"))
    assert len(spans) == 3


def test_the_last_day_still_counts() -> None:
    """A series occurs on its last day and on none after it."""
    start = at("2026-11-24T09:00")
    unfolded = Series(Span(start, start + timedelta(hours=1)), BERLIN, "daily", date(2026, 11, 26))
    assert len(list(occurrences(unfolded, Span(start, start + timedelta(days=30))))) == 3


def test_an_event_without_a_pattern_occurs_once() -> None:
    """It occurs when it is, if that touches the window."""
    span = Span(at("2026-11-24T09:00"), at("2026-11-24T10:00"))
    assert list(occurrences(Series(span, BERLIN), Span(at("2026-11-24T09:59"), at("2026-11-25T00:00")))) == [span]
    assert list(occurrences(Series(span, BERLIN), Span(at("2026-11-24T10:00"), at("2026-11-25T00:00")))) == []


@given(series(), st.integers(-60, 900), st.integers(1, 90))
def test_a_window_shows_what_unfolding_everything_shows(unfolded: Series, offset: int, length: int) -> None:
    """Starting near the window misses nothing and adds nothing: any window is a part of the whole."""
    start = unfolded.first.start + timedelta(days=offset)
    window = Span(start, start + timedelta(days=length))
    everything = occurrences(unfolded, Span(unfolded.first.start, window.end))
    assert list(occurrences(unfolded, window)) == [span for span in everything if span.touches(window)]


@given(series(), st.integers(1, 400))
def test_every_occurrence_is_at_the_local_time_of_the_first(unfolded: Series, length: int) -> None:
    """Occurrences come in order, at the first one's local time, on a day not after the last."""
    window = Span(unfolded.first.start, unfolded.first.start + timedelta(days=length))
    spans = list(occurrences(unfolded, window))
    local = unfolded.first.start.astimezone(unfolded.zone)
    assert spans[:1] == [unfolded.first]
    for before, span in pairwise(spans):
        day = span.start.astimezone(unfolded.zone).date()
        assert before.start < span.start < window.end
        assert span.start == at_wall(day, local.time(), unfolded.zone)
        assert unfolded.last_day is None or day <= unfolded.last_day


def test_a_series_that_began_long_ago_is_unfolded_at_once() -> None:
    """Three centuries of days are stepped over, not through."""
    start = datetime(1900, 1, 2, 9, tzinfo=UTC)
    unfolded = Series(Span(start, start + timedelta(hours=1)), ZoneInfo("UTC"), "daily")
    window = Span(datetime(2200, 11, 1, tzinfo=UTC), datetime(2200, 11, 2, tzinfo=UTC))
    assert [span.start for span in occurrences(unfolded, window)] == [datetime(2200, 11, 1, 9, tzinfo=UTC)]
