"""Days and times in a person's words."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.offline.dates import When, find_when, read_when, split_when

WEDNESDAY = datetime.fromisoformat("2026-11-25T09:30")

EXTREMES = (datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2199-12-31"))
PIECES = [
    "in",
    "9",
    "99",
    "999",
    "weeks",
    "days",
    "the",
    "next",
    "month",
    "last",
    "Friday",
    "to",
    "at",
    "3pm",
    "31",
    "Feb",
]


def day(number: int, month: int = 11, year: int = 2026) -> When:
    """Return one day."""
    return When(date(year, month, number), date(year, month, number))


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("today", day(25)),
        ("tomorrow", day(26)),
        ("the day after tomorrow", day(27)),
        ("yesterday", day(24)),
        ("on Friday", day(27)),
        ("fri", day(27)),
        ("Wednesday", day(2, 12)),
        ("next Friday", day(4, 12)),
        ("last Monday", day(23)),
        ("this week", When(date(2026, 11, 23), date(2026, 11, 29))),
        ("next week", When(date(2026, 11, 30), date(2026, 12, 6))),
        ("the week after next", When(date(2026, 12, 7), date(2026, 12, 13))),
        ("next weekend", When(date(2026, 12, 5), date(2026, 12, 6))),
        ("this month", When(date(2026, 11, 1), date(2026, 11, 30))),
        ("the next 3 days", When(date(2026, 11, 25), date(2026, 11, 27))),
        ("in three days", day(28)),
        ("in a week", day(2, 12)),
        ("2026-12-24", day(24, 12)),
        ("24 December", day(24, 12)),
        ("December 24th, 2027", day(24, 12, 2027)),
        ("the 3rd of January", day(3, 1, 2027)),
        ("24.12.", day(24, 12)),
        ("the 28th", day(28)),
        ("the 3rd", day(3, 12)),
    ],
)
def test_a_day_is_understood(phrase: str, expected: When) -> None:
    """Weeks start on Monday, a weekday is the coming one, and a day without a year comes next."""
    assert read_when(phrase, WEDNESDAY) == expected


@pytest.mark.parametrize(
    ("phrase", "at"),
    [
        ("at 3pm", time(15)),
        ("at 15:00", time(15)),
        ("15:30", time(15, 30)),
        ("at 10", time(10)),
        ("at 3", time(15)),
        ("at 9.15", time(9, 15)),
        ("at 12 am", time(0)),
        ("at noon", time(12)),
        ("7 p.m.", time(19)),
    ],
)
def test_a_time_of_day_is_understood(phrase: str, at: time) -> None:
    """A bare hour up to six is in the afternoon."""
    assert read_when(phrase, WEDNESDAY) == When(at=at)


@pytest.mark.parametrize(
    ("phrase", "minutes"),
    [
        ("for two hours", 120),
        ("90 minutes", 90),
        ("half an hour", 30),
        ("an hour and a half", 90),
        ("1.5 hours", 90),
        ("2h", 120),
        ("from 10 to 12", 120),
        ("2-4pm", 120),
        ("between 9 and 10:30", 90),
    ],
)
def test_a_length_is_understood(phrase: str, minutes: int) -> None:
    """A length is told by itself or by both ends."""
    when = read_when(phrase, WEDNESDAY)
    assert when is not None
    assert when.length_minutes == minutes


@pytest.mark.parametrize(
    ("text", "rest", "start"),
    [
        ("the quarterly report to Friday at 15:00", "the quarterly report", "2026-11-27T15:00:00"),
        ("Friday demo prep to Monday", "Friday demo prep", "2026-11-30"),
        ("a call with Ann for two hours tomorrow at 10", "a call with Ann", "2026-11-26T10:00:00"),
        ("review, next week", "review", "2026-11-30"),
    ],
)
def test_only_the_end_of_a_text_is_a_time(text: str, rest: str, start: str) -> None:
    """A time is taken off the end of a title, and never out of its middle."""
    left, when = split_when(text, WEDNESDAY)
    assert when is not None
    assert (left, when.iso_start()) == (rest, start)


@pytest.mark.parametrize("text", ["sprint 10-12", "31 February", "at 25:00", "the report", "", "for", "upgrade to 17"])
def test_what_is_no_time_is_left_alone(text: str) -> None:
    """A number that may be anything, an impossible date and a lonely preposition say nothing about time."""
    assert read_when(text, WEDNESDAY) is None


@given(st.text(max_size=300), st.datetimes(*EXTREMES))
def test_no_text_is_too_much(text: str, now: datetime) -> None:
    """Any text at any time is read without an error, and what is left of it is part of it."""
    left, _ = split_when(text, now)
    assert left in text
    find_when(text, now)


@given(st.lists(st.sampled_from(PIECES)))
def test_no_phrase_is_too_far_away(words: list[str]) -> None:
    """Any row of words about time is read without an error."""
    find_when(" ".join(words), WEDNESDAY)
    read_when(" ".join(words), WEDNESDAY)
