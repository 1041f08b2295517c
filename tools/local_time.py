"""Local times: the one layer that turns what a model wrote into a moment, and back.

Two rules, and no other place decides them. A local time that does not exist
(the clocks go forward over it) moves forward by the gap. A local time that
occurs twice (the clocks go back over it) means the first. Both are Python's
`fold=0`; Postgres never gets a local time to read, because it takes the second
of two. Whoever resolves a time tells the person about it (`Moment.note`).
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache, wraps
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from persistence.text import shortened
from tools.errors import ToolError
from tools.tool import A, Caller, ToolAnswer, refused

EARLIEST: Final = datetime(1900, 1, 2, tzinfo=UTC)  # a day inside what the tables take, whatever the server's zone
LATEST: Final = datetime(2200, 12, 1, tzinfo=UTC)  # room for the longest event: no computed end falls outside
MAX_OFFSET_HOURS: Final = 16  # the widest in the IANA list is 15:13:42 (Manila, until 1844)
QUOTED_CHARS: Final = 40

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ISO: Final = re.compile(
    r"""
    (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})
    (?: [Tt\ ] (?P<time>[0-9]{2}:[0-9]{2} (?: :[0-9]{2} (?: \.[0-9]{1,6} )? )? )
        (?: (?P<utc>[Zz]) | (?P<sign>[+-]) (?P<hours>[0-9]{2}) :?
            (?P<minutes>[0-5][0-9]) (?: : (?P<seconds>[0-5][0-9]) )? )?
    )?
    """,
    re.VERBOSE,
)


class TimeRefused(ToolError):
    """Root of what can be wrong with times that a model wrote; its text is for the model."""


class LocalTimeInvalid(TimeRefused):
    """A text is no date or time, or one that is never stored."""

    code = "invalid_time"

    def __init__(self, text: str) -> None:
        super().__init__(
            f"“{shortened(text, QUOTED_CHARS)}” is not a time that can be used. Write a date (2027-03-28) or a date"
            f" and time (2027-03-28T14:30), from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}."
        )


class ZoneUnknown(TimeRefused):
    """A text is not the name of a time zone."""

    code = "unknown_time_zone"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"“{shortened(name, QUOTED_CHARS)}” is not a time zone that can be used. Write an IANA name"
            " such as Europe/Berlin, America/New_York or UTC, in exactly that case."
        )


class TimeOfDayMissing(TimeRefused):
    """A date alone names no moment where nothing had a time of day before."""

    code = "time_of_day_missing"

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{shortened(text, QUOTED_CHARS)} is a date alone. Write the time of day too, as in 2027-03-28T14:30;"
            " find_available_slots finds a free one."
        )


class EndBeforeStart(TimeRefused):
    """Something would end before it starts."""

    code = "end_before_start"

    def __init__(self, start: str, end: str) -> None:
        super().__init__(f"The end, {end}, has to be after the start, {start}. Change one of them.")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, and how it was read.

    `at` is in UTC. With `date_only` no time of day was given, and `at` is the
    start of that day. `note` is a sentence for the person when the local time
    did not exist or occurred twice.
    """

    at: datetime
    date_only: bool = False
    note: str | None = None


def resolve(text: str, zone: ZoneInfo) -> Moment:
    """Return the moment that an ISO 8601 text names; without an offset it is local to `zone`.

    Raises:
        LocalTimeInvalid: not a date, nor a date and time; impossible; or too far away to store.
    """
    parts = _ISO.fullmatch(text.strip())
    if parts is None:
        raise LocalTimeInvalid(text)
    try:
        moment = _moment(parts, zone)
    except (ValueError, OverflowError) as error:
        raise LocalTimeInvalid(text) from error
    if not storable_time(moment.at):
        raise LocalTimeInvalid(text)
    return moment


def resolve_end(text: str, zone: ZoneInfo) -> Moment:
    """Return the moment at which a stretch of time ends; a date alone lasts to the end of that day.

    Raises:
        LocalTimeInvalid: as `resolve`.
    """
    moment = resolve(text, zone)
    if not moment.date_only:
        return moment
    day = moment.at.astimezone(zone).date()
    return replace(moment, at=at_wall(day + timedelta(days=1), time(), zone))


def storable_time(at: datetime) -> bool:
    """Say whether the tables take this time."""
    return EARLIEST <= at <= LATEST


def at_wall(day: date, time_of_day: time, zone: ZoneInfo) -> datetime:
    """Return in UTC when the clocks of a zone show this, by the two rules above."""
    return datetime.combine(day, time_of_day.replace(fold=0), zone).astimezone(UTC)


def at_same_time(moment: Moment, old_start: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment; a date alone keeps the local time of day of `old_start`."""
    return with_time_of(moment, old_start, zone).at


def with_time_of(moment: Moment, old: datetime, zone: ZoneInfo) -> Moment:
    """Return the moment; a date alone gets the local time of day of an older one."""
    if not moment.date_only:
        return moment
    day, time_of_day = moment.at.astimezone(zone).date(), old.astimezone(zone).time()
    return _local_moment(datetime.combine(day, time_of_day.replace(fold=0)), zone, date_only=False)


def as_local(at: datetime, zone: ZoneInfo) -> str:
    """Return the time as ISO 8601 with the zone's offset, to the second."""
    return at.astimezone(zone).isoformat(timespec="seconds")


def spoken(at: datetime, zone: ZoneInfo) -> str:
    """Return the time in short words, in any locale the same: “Tue 24 Nov 09:00”."""
    local = at.astimezone(zone)
    return f"{spoken_day(local.date())} {local:%H:%M}"


def spoken_between(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return a stretch of time in short words: “Tue 24 Nov 09:00–10:00”."""
    if start.astimezone(zone).date() == end.astimezone(zone).date():
        return f"{spoken(start, zone)}–{end.astimezone(zone):%H:%M}"
    return f"{spoken(start, zone)} – {spoken(end, zone)}"


def spoken_day(day: date) -> str:
    """Return the day in short words: “Tue 24 Nov”."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name, in the list's own case.

    Only names with a slash, and UTC: legacy names without one (“EST”, “CET”,
    “GB”) look like the abbreviations people mean something else by.

    Raises:
        ZoneUnknown: not such a name.
    """
    if name not in _zone_names():
        raise ZoneUnknown(name)
    return ZoneInfo(name)


def answers_bad_times(
    run: Callable[[A, Caller], Awaitable[ToolAnswer]],
) -> Callable[[A, Caller], Awaitable[ToolAnswer]]:
    """Make a tool answer times that cannot be used with the error's sentence."""

    @wraps(run)
    async def answering(args: A, caller: Caller) -> ToolAnswer:
        try:
            return await run(args, caller)
        except TimeRefused as error:
            return refused(str(error), error.code)

    return answering


@cache
def _zone_names() -> frozenset[str]:
    """Read the list once: `available_timezones` walks the disk for it."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def _moment(parts: re.Match[str], zone: ZoneInfo) -> Moment:
    day = date.fromisoformat(parts["date"])
    if parts["time"] is None:
        return _local_moment(datetime.combine(day, time()), zone, date_only=True)
    wall = datetime.combine(day, _time_of_day(parts["time"]))
    offset = _offset(parts)
    if offset is None:
        return _local_moment(wall, zone, date_only=False)
    return Moment(wall.replace(tzinfo=timezone(offset)).astimezone(UTC))


def _time_of_day(text: str) -> time:
    """Read hours, minutes and maybe seconds; `fromisoformat` wants 3 or 6 decimals."""
    whole, _, decimals = text.partition(".")
    return time.fromisoformat(whole).replace(microsecond=int(decimals.ljust(6, "0")))


def _offset(parts: re.Match[str]) -> timedelta | None:
    if parts["utc"]:
        return timedelta()
    if parts["sign"] is None:
        return None
    size = timedelta(hours=int(parts["hours"]), minutes=int(parts["minutes"]), seconds=int(parts["seconds"] or 0))
    if size > timedelta(hours=MAX_OFFSET_HOURS):
        raise ValueError(size)
    return -size if parts["sign"] == "-" else size


def _local_moment(wall: datetime, zone: ZoneInfo, *, date_only: bool) -> Moment:
    at = at_wall(wall.date(), wall.time(), zone)
    return Moment(at, date_only, _note(wall, at, zone))


def _note(wall: datetime, at: datetime, zone: ZoneInfo) -> str | None:
    """Say how a local time was read that does not occur exactly once."""
    local = at.astimezone(zone)
    if local.replace(tzinfo=None, fold=0) != wall:
        return f"{wall:%Y-%m-%d %H:%M} does not exist in {zone.key}: the clocks go forward. {local:%H:%M} is meant."
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        return f"{wall:%Y-%m-%d %H:%M} occurs twice in {zone.key}: the clocks go back. The first is meant."
    return None
