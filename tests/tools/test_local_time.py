"""One layer decides what a local time means, and it says how."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local_time import (
    EARLIEST,
    LATEST,
    LocalTimeInvalid,
    Moment,
    ZoneUnknown,
    as_local,
    at_same_time,
    at_wall,
    resolve,
    resolve_end,
    spoken,
    spoken_between,
    with_time_of,
    zone_named,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "UTC",
            "Europe/Berlin",
            "Europe/Amsterdam",
            "America/New_York",
            "America/St_Johns",
            "America/Havana",
            "Australia/Lord_Howe",
            "Africa/Monrovia",
            "Asia/Kathmandu",
            "Pacific/Apia",
            "Pacific/Kiritimati",
        )
    ]
)
MOMENTS = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)
WALLS = st.datetimes(datetime(1901, 1, 1), datetime(2200, 11, 29))  # noqa: DTZ001 (a wall clock has no zone)


def utc(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("2026-11-24T09:00", utc("2026-11-24 08:00"), id="winter"),
        pytest.param("2026-07-24 09:00", utc("2026-07-24 07:00"), id="summer, with a space"),
        pytest.param("2026-07-24T09:00:30", utc("2026-07-24 07:00:30"), id="seconds"),
        pytest.param("2026-07-24T09:00:30.5Z", utc("2026-07-24 09:00:30.500000"), id="decimals"),
        pytest.param("2026-07-24T09:00Z", utc("2026-07-24 09:00"), id="UTC"),
        pytest.param("2026-07-24T09:00:00+0530", utc("2026-07-24 03:30"), id="offset without a colon"),
        pytest.param("2026-07-24T09:00-04:00", utc("2026-07-24 13:00"), id="offset west"),
        pytest.param("  2026-07-24T09:00 ", utc("2026-07-24 07:00"), id="spaces around"),
    ],
)
def test_an_iso_time_means_one_moment(text: str, at: datetime) -> None:
    """A date and time is local unless it carries an offset."""
    assert resolve(text, BERLIN) == Moment(at)


def test_a_date_alone_is_the_start_of_that_day() -> None:
    """A date alone is told apart from midnight, which is its moment."""
    assert resolve("2026-11-24", BERLIN) == Moment(utc("2026-11-23 23:00"), date_only=True)
    assert resolve("2026-11-24T00:00", BERLIN) == Moment(utc("2026-11-23 23:00"))


def test_a_time_that_does_not_exist_moves_forward_by_the_gap() -> None:
    """2027-03-28 02:30 in Berlin is 03:30, and the person is told."""
    moment = resolve("2027-03-28T02:30", BERLIN)
    assert moment.at == utc("2027-03-28 01:30")
    assert as_local(moment.at, BERLIN) == "2027-03-28T03:30:00+02:00"
    assert moment.note is not None
    assert "does not exist" in moment.note
    assert "03:30 is meant" in moment.note


def test_a_time_that_occurs_twice_means_the_first() -> None:
    """2026-10-25 02:30 in Berlin is the one in summer time, and the person is told."""
    moment = resolve("2026-10-25 02:30", BERLIN)
    assert moment.at == utc("2026-10-25 00:30")
    assert moment.note is not None
    assert "occurs twice" in moment.note


def test_the_second_of_two_equal_times_can_be_named_by_its_offset() -> None:
    """An offset leaves nothing to decide, so nothing is noted."""
    assert resolve("2026-10-25T02:30+01:00", BERLIN) == Moment(utc("2026-10-25 01:30"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "tomorrow",
        "03/04/2027",
        "32.13.2027",
        "2027-02-30",
        "2027-13-01",
        "2027-3-4",
        "20270304",
        "2027-W05-1",
        "2027-063",
        "infinity",
        "-infinity",
        "now",
        "20000-01-01",
        "+20000-01-01",
        "-0044-03-15",
        "0044-03-15 BC",
        "2027-03-04 BC",
        "1899-12-31",
        "2201-01-01",
        "0000-01-01",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00+12:00",
        "2027-03-04T24:00",
        "2027-03-04T23:60",
        "2027-03-04T09",
        "2027-03-04T09:00+99:00",
        "2027-03-04T09:00 Europe/Berlin",
        "2027-03-04T09:00\n2027-03-05",
        "٢٠٢٧-٠٣-٠٤",
        "2027-03-04T09:00; drop table tasks",
    ],
)
def test_anything_but_an_iso_time_is_refused(text: str) -> None:
    """What is no date, impossible, or too far away gets a sentence that shows the form."""
    with pytest.raises(LocalTimeInvalid, match="2027-03-28T14:30") as refusal:
        resolve(text, BERLIN)
    assert refusal.value.code == "invalid_time"


@given(MOMENTS, ZONES)
def test_a_time_that_is_shown_can_be_sent_back(at: datetime, zone: ZoneInfo) -> None:
    """Resolving what `as_local` wrote gives the same moment, on both sides of every change of clocks."""
    assert resolve(as_local(at, zone), zone) == Moment(at)


@given(WALLS, ZONES)
def test_a_local_time_without_a_note_is_shown_as_it_was_written(wall: datetime, zone: ZoneInfo) -> None:
    """A local time either stands on the clock as written, or there is a note and it moved forward."""
    moment = resolve(wall.isoformat(), zone)
    shown = moment.at.astimezone(zone).replace(tzinfo=None, fold=0)
    assert shown == wall or (moment.note is not None and shown > wall)


@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from([date(2027, 3, 28), date(2026, 10, 25)]))
def test_the_days_when_clocks_change_resolve_in_order(hour: int, minute: int, day: date) -> None:
    """On the days of the change a time is noted exactly when it lies in the hour from 02:00."""
    text = f"{day}T{hour:02}:{minute:02}"
    assert (resolve(text, BERLIN).note is not None) == (hour == 2)


@given(st.text(max_size=30), ZONES)
def test_no_text_does_anything_but_resolve_or_be_refused(text: str, zone: ZoneInfo) -> None:
    """Whatever is written, the answer is a storable moment or the one error."""
    try:
        moment = resolve(text, zone)
    except LocalTimeInvalid:
        return
    assert EARLIEST <= moment.at <= LATEST


@given(MOMENTS, st.dates(date(1901, 1, 1), date(2200, 11, 29)), ZONES)
def test_a_date_alone_keeps_the_time_of_day(old_start: datetime, day: date, zone: ZoneInfo) -> None:
    """Moving something to a date keeps its local time of day, or moves it forward out of a gap."""
    moved = at_same_time(resolve(day.isoformat(), zone), old_start, zone)
    old_time = old_start.astimezone(zone).time()
    target = resolve(day.isoformat(), zone).at.astimezone(zone).date()
    shown = moved.astimezone(zone).replace(tzinfo=None, fold=0)
    assert shown >= datetime.combine(target, old_time.replace(fold=0))
    assert moved == at_wall(target, old_time, zone)


def test_a_meeting_at_nine_stays_at_nine_in_the_other_half_of_the_year() -> None:
    """09:00 in winter, moved to a date in summer, is 09:00."""
    moved = at_same_time(resolve("2026-07-24", BERLIN), utc("2026-11-24 08:00"), BERLIN)
    assert as_local(moved, BERLIN) == "2026-07-24T09:00:00+02:00"


def test_a_full_time_replaces_the_time_of_day() -> None:
    """Only a date alone keeps the old time of day."""
    assert at_same_time(resolve("2026-07-24T17:00", BERLIN), utc("2026-11-24 08:00"), BERLIN) == utc("2026-07-24 15:00")


def test_an_end_that_is_a_date_alone_lasts_to_the_end_of_that_day() -> None:
    """The end of a day is the next midnight, also when the day has 23 hours; a time is itself."""
    assert resolve_end("2027-03-28", BERLIN).at == utc("2027-03-28 22:00")
    assert resolve_end("2027-03-28T12:00", BERLIN) == resolve("2027-03-28T12:00", BERLIN)


def test_a_kept_time_of_day_that_does_not_exist_is_told() -> None:
    """02:30, kept on the day when the clocks go over it, is 03:30, with a note."""
    moment = with_time_of(resolve("2027-03-28", BERLIN), utc("2026-11-24 01:30"), BERLIN)
    assert moment.at == utc("2027-03-28 01:30")
    assert moment.note is not None
    assert "03:30 is meant" in moment.note


def test_a_stretch_of_time_is_spoken_in_short_words() -> None:
    """Within a day the day is named once."""
    start = utc("2026-11-24 08:00")
    assert spoken_between(start, utc("2026-11-24 09:30"), BERLIN) == "Tue 24 Nov 09:00–10:30"
    assert spoken_between(start, utc("2026-11-25 09:00"), BERLIN) == "Tue 24 Nov 09:00 – Wed 25 Nov 10:00"


def test_a_time_is_spoken_in_short_words() -> None:
    """Words name the weekday, the day, the month and the time."""
    assert spoken(utc("2026-11-24 08:00"), BERLIN) == "Tue 24 Nov 09:00"


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_iana_names_are_zones(name: str) -> None:
    """A name of the IANA list is a zone."""
    assert zone_named(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "Mars/Base",
        "EST",
        "CET",
        "FOO5",
        "utc",
        "europe/berlin",
        "Europe/Berlin ",
        "../../etc/passwd",
        "/etc/passwd",
        "posix/Europe/Berlin",
        "Europe/Berlin\x00",
        "+02:00",
        "localtime",
    ],
)
def test_other_names_are_no_zones(name: str) -> None:
    """A legacy name, an abbreviation, a path or another case is refused."""
    with pytest.raises(ZoneUnknown, match="Europe/Berlin") as refusal:
        zone_named(name)
    assert refusal.value.code == "unknown_time_zone"


def test_the_first_and_last_moments_have_room() -> None:
    """The limits lie inside what the tables take, by a day for any zone and a month for any event."""
    assert EARLIEST - utc("1900-01-01") >= timedelta(days=1)
    assert utc("2200-12-31") - LATEST >= timedelta(days=30)
