"""Days and times in a person's words: "Friday at 3pm", "next week", "tomorrow for two hours".

Weeks start on Monday. A weekday is the coming one, never today; "next Friday"
is the one of the next week. A bare hour from 1 to 6 is in the afternoon.
Answers always name the date that was understood.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

MAX_PHRASE_WORDS: Final = 16  # "on the 27th of November 2026 from 3 pm for an hour and a half" has 15
MAX_SEARCHED_WORDS: Final = 200  # of a request, to find a date anywhere in it
LATEST_MORNING_HOUR: Final = 6  # "at 3" means 15:00; "at 7" means 07:00
HOURS: Final = 24
MINUTES: Final = 60
HOURS_OF: Final = {
    "morning": tuple(range(8, 12)),
    "afternoon": tuple(range(12, 18)),
    "evening": tuple(range(18, 22)),
    "tonight": tuple(range(18, 22)),
}

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_COUNTS: Final = {
    "a": 1.0,
    "an": 1.0,
    "one": 1.0,
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "seven": 7.0,
    "eight": 8.0,
    "nine": 9.0,
    "ten": 10.0,
    "half an": 0.5,
    "half a": 0.5,
    "a couple of": 2.0,
}
_COUNT: Final = rf"(?P<count>{'|'.join(sorted(_COUNTS, key=len, reverse=True))}|\d{{1,3}}(?:[.,]\d)?)"
_DAY: Final = r"(?P<day>mon|tues?|wed|thu(?:rs?)?|fri|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
_MONTH: Final = r"(?P<month>jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|" + "|".join(_MONTHS) + r")\.?"
_NTH: Final = r"(?P<nth>\d{1,2})(?:st|nd|rd|th)?"
_CLOCK: Final = r"\d{1,2}(?:[:.]\d{2})?(?: ?[ap]\.?m\b\.?)?|noon|midday|midnight"
_CONNECTOR: Final = re.compile(
    r"(?:on|at|for|by|to|until|till|from|during|in|due|around|about|starting|the|,|@)(?=\s|$)|,", re.IGNORECASE
)
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class When:
    """What a phrase says about time; what it does not say is None.

    `first` and `last` are the days meant, both included; `minutes` is a
    duration; `hours` are the hours of the day that are preferred.
    """

    first: date | None = None
    last: date | None = None
    at: time | None = None
    until: time | None = None
    minutes: int | None = None
    hours: tuple[int, ...] = ()

    @property
    def is_one_day(self) -> bool:
        """Whether exactly one day is meant."""
        return self.first is not None and self.first == self.last

    @property
    def length_minutes(self) -> int | None:
        """How long it is to take, from a duration or from both ends."""
        if self.minutes is None and self.at is not None and self.until is not None and self.until > self.at:
            return (self.until.hour - self.at.hour) * 60 + self.until.minute - self.at.minute
        return self.minutes

    def joined(self, other: "When") -> "When":
        """Return this with the gaps filled from another."""
        return When(
            first=self.first or other.first,
            last=self.last or other.last,
            at=self.at or other.at,
            until=self.until or other.until,
            minutes=self.minutes or other.minutes,
            hours=self.hours or other.hours,
        )

    def iso_start(self) -> str | None:
        """Return the local start for a tool: a date alone when no time was said."""
        if self.first is None:
            return None
        return self.first.isoformat() if self.at is None else datetime.combine(self.first, self.at).isoformat()


def split_when(text: str, now: datetime) -> tuple[str, When | None]:
    """Return a text without the time at its end, and that time.

    Only an end that is about time as a whole counts: "Friday demo to Monday"
    is "Friday demo" and the coming Monday.
    """
    for position in _word_starts_from_end(text):
        when = read_when(text[position:], now)
        if when is not None:
            return text[:position].strip(" ,"), when
    return text, None


def read_when(text: str, now: datetime) -> When | None:
    """Return what a text that is about time as a whole says, None when it is about more."""
    found = When()
    position, has_piece = 0, False
    text = text.strip(" ,")
    while position < len(text):
        if space := _SPACE.match(text, position):
            position = space.end()
        elif piece := _piece_at(text, position, now):
            position, has_piece, found = piece[0], True, found.joined(piece[1])
        elif connector := _CONNECTOR.match(text, position):
            position, has_piece = connector.end(), False
        else:
            return None
    return found if has_piece else None


def find_when(text: str, now: datetime) -> When | None:
    """Return what is said about time anywhere in a text."""
    found, position = When(), 0
    for word in list(re.finditer(r"\S+", text))[:MAX_SEARCHED_WORDS]:
        if word.start() >= position and (piece := _piece_at(text, word.start(), now)):
            position, found = piece[0], found.joined(piece[1])
    return None if found == When() else found


def days_of(when: When | None, otherwise: date) -> tuple[date, date]:
    """Return the first and the last day meant, one given day when none was said."""
    if when is None or when.first is None:
        return otherwise, otherwise
    return when.first, when.last or when.first


def monday_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def week_of(day: date) -> When:
    """Return a day's week, Monday to Sunday."""
    return When(monday_of(day), monday_of(day) + timedelta(days=6))


def _word_starts_from_end(text: str) -> Iterator[int]:
    """Yield where the last words begin, the earliest of them first: the longest phrase wins."""
    starts = [word.start() for word in re.finditer(r"\S+", text[-400:])]
    offset = max(0, len(text) - 400)
    yield from (offset + start for start in starts[-MAX_PHRASE_WORDS:])


def _piece_at(text: str, position: int, now: datetime) -> tuple[int, When] | None:
    for pattern, read in _PIECES:
        match = pattern.match(text, position)
        if match and (when := read(match, now)) is not None:
            return match.end(), when
    return None


def _one_day(day: date) -> When:
    return When(day, day)


def _today(match: re.Match[str], now: datetime) -> When:
    return When(now.date(), now.date(), hours=HOURS_OF["tonight"] if match[0].lower() == "tonight" else ())


def _named_offset(match: re.Match[str], now: datetime) -> When:
    name = match[0].lower()
    days = 2 if "after" in name else -1 if name == "yesterday" else 1
    return _one_day(now.date() + timedelta(days=days))


def _weekday(match: re.Match[str], now: datetime) -> When:
    wanted = next(number for number, name in enumerate(_DAYS) if name.startswith(match["day"].lower()[:3]))
    which = (match["which"] or "").lower()
    if which == "next":
        return _one_day(monday_of(now.date()) + timedelta(days=7 + wanted))
    if which == "last":
        return _one_day(now.date() - timedelta(days=(now.weekday() - wanted - 1) % 7 + 1))
    return _one_day(now.date() + timedelta(days=(wanted - now.weekday() - 1) % 7 + 1))


def _week(match: re.Match[str], now: datetime) -> When:
    name = match[0].lower()
    weeks = 2 if "after" in name else 1 if "next" in name else -1 if "last" in name else 0
    week = week_of(now.date() + timedelta(days=7 * weeks))
    assert week.first is not None, "a week has a first day"
    return When(week.first + timedelta(days=5), week.last) if "weekend" in name else week


def _month_span(match: re.Match[str], now: datetime) -> When:
    first = now.date().replace(day=1)
    if "next" in match[0].lower():
        first = (first + timedelta(days=32)).replace(day=1)
    return When(first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1))


def _in_some_time(match: re.Match[str], now: datetime) -> When:
    amount, unit = _count(match["count"]), match["unit"].lower()
    if unit.startswith(("day", "week")):
        return _one_day(now.date() + timedelta(days=int(amount * (7 if unit.startswith("week") else 1))))
    start = (now + timedelta(minutes=amount * (60 if unit.startswith("h") else 1))).replace(second=0, microsecond=0)
    return When(start.date(), start.date(), at=start.time())


def _coming_days(match: re.Match[str], now: datetime) -> When:
    days = int(_count(match["count"] or "one") * (7 if match["unit"].lower().startswith("week") else 1))
    return When(now.date(), now.date() + timedelta(days=max(days, 1) - 1))


def _iso(match: re.Match[str], _now: datetime) -> When | None:
    day = _date(int(match["year"]), int(match["month"]), int(match["nth"]))
    return None if day is None else _one_day(day)


def _day_and_month(match: re.Match[str], now: datetime) -> When | None:
    month = 1 + next(number for number, name in enumerate(_MONTHS) if name.startswith(match["month"].lower()[:3]))
    return _dated(match, month, now)


def _dotted(match: re.Match[str], now: datetime) -> When | None:
    return _dated(match, int(match["month"]), now)


def _dated(match: re.Match[str], month: int, now: datetime) -> When | None:
    """Return a date; without a year the one that comes next."""
    if match["year"]:
        day = _date(int(match["year"]), month, int(match["nth"]))
    else:
        day = _date(now.year, month, int(match["nth"]))
        if day is not None and day < now.date():
            day = _date(now.year + 1, month, int(match["nth"]))
    return None if day is None else _one_day(day)


def _day_of_month(match: re.Match[str], now: datetime) -> When | None:
    this_month = _date(now.year, now.month, int(match["nth"]))
    if this_month is not None and this_month >= now.date():
        return _one_day(this_month)
    following = (now.date().replace(day=1) + timedelta(days=32)).replace(day=1)
    day = _date(following.year, following.month, int(match["nth"]))
    return None if day is None else _one_day(day)


def _at(match: re.Match[str], _now: datetime) -> When | None:
    at = _clock(match["at"])
    return None if at is None else When(at=at)


def _from_to(match: re.Match[str], _now: datetime) -> When | None:
    at, until = _clock(match["at"]), _clock(match["until"])
    if at is None or until is None or re.fullmatch(r"[\d\s–to-]+", match[0]):  # "10-12" may be anything
        return None
    suffix = match["until"].lower().replace(".", "")
    if suffix.endswith("pm") and at.hour < until.hour - 12 + 1 and "m" not in match["at"].lower():
        at = at.replace(hour=at.hour + 12)
    return When(at=at, until=until)


def _length(match: re.Match[str], _now: datetime) -> When | None:
    minutes = _count(match["count"]) * (60 if match["unit"].lower().startswith("h") else 1)
    if match["half"]:
        minutes += 30
    return When(minutes=int(minutes)) if minutes >= 1 else None


def _part_of_day(match: re.Match[str], _now: datetime) -> When:
    return When(hours=HOURS_OF[match["part"].lower()])


def _count(word: str) -> float:
    known = _COUNTS.get(word.lower())
    return float(word.replace(",", ".")) if known is None else known


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _clock(text: str) -> time | None:
    """Return a time of day: "15:00", "3pm", "10", "noon"."""
    named = {"noon": time(12), "midday": time(12), "midnight": time(0)}.get(text.lower())
    parts = re.fullmatch(r"(\d{1,2})(?:[:.](\d{2}))? ?([ap])?\.?(?:m\.?)?", text, re.IGNORECASE)
    if named is not None or parts is None:
        return named
    hour, minute, half = int(parts[1]), int(parts[2] or 0), (parts[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= HOURS // 2 else HOURS
    elif parts[2] is None and 1 <= hour <= LATEST_MORNING_HOUR:
        hour += 12
    return time(hour, minute) if hour < HOURS and minute < MINUTES else None


_Reader = Callable[[re.Match[str], datetime], When | None]


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})(?![\w:])", re.IGNORECASE)


_YEAR: Final = r"(?P<year>\d{4})"
_BEFORE_TIME: Final = r"(?:(?:at|@|around|by|from) )"
_EXACT_TIME: Final = r"\d{1,2}[:.]\d{2}(?: ?[ap]\.?m\.?)?|\d{1,2} ?[ap]\.?m\.?|noon|midday|midnight"
_UNIT: Final = r"(?P<unit>hours?|hrs?|h|minutes?|mins?)"
_PIECES: Final[tuple[tuple[re.Pattern[str], _Reader], ...]] = tuple(
    (_compiled(pattern), read)
    for pattern, read in (
        (r"today|tonight", _today),
        (r"(?:the )?day after tomorrow|tomorrow|yesterday", _named_offset),
        (r"(?:the )?week after next|(?:(?:the )?(?:next|this|last|coming) |the )week(?:end)?", _week),
        (rf"(?:the )?(?:next|coming) (?:{_COUNT} )(?P<unit>days?|weeks?)", _coming_days),
        (r"(?:this|next) month", _month_span),
        (rf"(?:(?P<which>next|this|last|coming|the coming) )?{_DAY}", _weekday),
        (rf"in {_COUNT} (?P<unit>days?|weeks?|hours?|minutes?)", _in_some_time),
        (rf"{_YEAR}-(?P<month>\d\d)-(?P<nth>\d\d)", _iso),
        (rf"(?:the )?{_NTH} (?:of )?{_MONTH}(?:,? {_YEAR})?", _day_and_month),
        (rf"{_MONTH} {_NTH}(?:,? {_YEAR})?", _day_and_month),
        (rf"(?P<nth>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}?", _dotted),
        (r"the (?P<nth>\d{1,2})(?:st|nd|rd|th)", _day_of_month),
        (rf"(?:from |between )?(?P<at>{_CLOCK}) ?(?:-|–|to|and|until|till) ?(?P<until>{_CLOCK})", _from_to),
        (rf"{_COUNT}(?: free| and a half)? ?{_UNIT}(?P<half> and a half)?", _length),
        (
            rf"{_BEFORE_TIME}?(?P<at>{_EXACT_TIME})",
            _at,
        ),
        (rf"{_BEFORE_TIME}(?P<at>\d{{1,2}})(?: o['’]?clock)?", _at),
        (r"(?:in the |this )?(?P<part>morning|afternoon|evening)", _part_of_day),
    )
)
