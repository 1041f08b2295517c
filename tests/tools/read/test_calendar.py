"""The tools that look into the calendar. It is Thursday 26 November 2026, 00:30 in Berlin."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import JsonValue

from tests.workspace_rows import BERLIN, NEVER_USED, NOW, Desk, column, row_in, rows_in
from tools.errors import ArgumentsInvalid

BAD_TIMES = ["03/04/2027", "32.13.2027", "2027-02-30", "infinity", "20000-01-01", "0044-03-15 BC", "tomorrow", ""]


def at(text: str) -> datetime:
    """Return a local time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


async def add(desk: Desk, summary: str, start: str, minutes: int = 60, **columns: object) -> UUID:
    """Put an event into the calendar, by its local time in Berlin."""
    times = {"starts_at": at(start), "ends_at": at(start) + timedelta(minutes=minutes), "time_zone": BERLIN.key}
    return await desk.add("calendar_events", **{"summary": summary, **times, **columns})


async def add_days(desk: Desk, summary: str, first: str, after: str) -> UUID:
    """Put an all-day event into the calendar, up to the day after its last."""
    return await add(desk, summary, first, starts_at=at(first), ends_at=at(after), all_day=True)


async def test_the_next_seven_days_are_shown_when_nothing_is_said(desk: Desk) -> None:
    """Events from now on come in order; what is over and what is later stays out."""
    for day in ("2026-11-25", "2026-12-02", "2026-11-26", "2026-12-04"):
        await add(desk, day, f"{day}T09:00")
    answer = await desk.call("get_calendar_events")
    assert column(answer.data, "events", "summary") == ["2026-11-26", "2026-12-02"]
    assert answer.data["has_more"] is False
    assert answer.data["time_min"] == "2026-11-26T00:30:00+01:00"
    assert answer.message == "2 events, Thu 26 Nov 00:30 – Thu 3 Dec 00:30."


async def test_an_event_is_shown_with_its_task_in_local_time(desk: Desk) -> None:
    """Times carry the offset of the person's zone; the task that it stands for is named."""
    task = await desk.add_task("Write the copy")
    event = await desk.add_event(task, at("2026-11-27T09:00"), minutes=90)
    answer = await desk.call("get_calendar_events")
    assert rows_in(answer.data, "events") == [
        {
            "event_id": str(event),
            "summary": "Focus",
            "description": "",
            "start_time": "2026-11-27T09:00:00+01:00",
            "end_time": "2026-11-27T10:30:00+01:00",
            "all_day": False,
            "recurrence": None,
            "recurrence_ends": None,
            "task": {"id": str(task), "title": "Write the copy"},
        }
    ]


async def test_an_all_day_event_counts_its_days_when_the_clocks_change(desk: Desk) -> None:
    """A weekend with 47 hours is two days, from the first to the last."""
    await add_days(desk, "Away", "2027-03-27", "2027-03-29")
    answer = await desk.call("get_calendar_events", time_min="2027-03-01", time_max="2027-03-31")
    (event,) = rows_in(answer.data, "events")
    assert (event["start_time"], event["end_time"], event["days"]) == ("2027-03-27", "2027-03-28", 2)


async def test_a_series_appears_once_for_each_occurrence(desk: Desk) -> None:
    """09:00 stays 09:00 when the clocks change; occurrences stand among other events in order."""
    await add(desk, "Stand-up", "2026-11-02T09:00", 15, recurrence="weekdays")
    await add(desk, "Lunch", "2027-03-26T12:00")
    answer = await desk.call("get_calendar_events", time_min="2027-03-26", time_max="2027-03-29")
    assert column(answer.data, "events", "summary") == ["Stand-up", "Lunch", "Stand-up"]
    assert column(answer.data, "events", "start_time") == [
        "2027-03-26T09:00:00+01:00",
        "2027-03-26T12:00:00+01:00",
        "2027-03-29T09:00:00+02:00",
    ]


async def test_a_series_ends_with_its_last_day(desk: Desk) -> None:
    """Nothing of a series is shown after the day on which it ends."""
    await add(desk, "Course", "2026-11-26T18:00", recurrence="daily", recurrence_ends=date(2026, 11, 28))
    answer = await desk.call("get_calendar_events")
    assert len(rows_in(answer.data, "events")) == 3


async def test_what_touches_the_window_is_shown(desk: Desk) -> None:
    """An event that has begun is shown, one that ends when the window begins is not, one without length is."""
    await add(desk, "over", "2026-11-27T08:00")
    await add(desk, "running", "2026-11-27T08:30")
    await add(desk, "reminder", "2026-11-27T09:00", 0)
    await add(desk, "next", "2026-11-27T10:00")
    answer = await desk.call("get_calendar_events", time_min="2026-11-27T09:00", time_max="2026-11-27T10:00")
    assert column(answer.data, "events", "summary") == ["running", "reminder"]


async def test_a_date_alone_includes_that_day(desk: Desk) -> None:
    """From a date to the same date is one whole day."""
    await add(desk, "late", "2026-11-27T23:00")
    answer = await desk.call("get_calendar_events", timeMin="2026-11-27", timeMax="2026-11-27")
    assert column(answer.data, "events", "summary") == ["late"]
    assert answer.data["time_max"] == "2026-11-28T00:00:00+01:00"


@pytest.mark.parametrize(("asked", "shown"), [(-1, 1), (0, 1), (2, 2), (10**9, 50)])
async def test_the_limit_is_clamped_and_said_so(desk: Desk, asked: int, shown: int) -> None:
    """The limit goes from 1 to 50, over single events and occurrences together."""
    await add(desk, "Daily", "2026-11-01T09:00", recurrence="daily")
    await add(desk, "Once", "2026-11-26T07:00")
    answer = await desk.call("get_calendar_events", time_max="2027-03-01", limit=asked)
    assert len(rows_in(answer.data, "events")) == shown
    assert answer.data["has_more"] is True
    assert column(answer.data, "events", "summary")[0] == "Once"
    assert ("it goes from 1 to 50" in answer.message) == (asked != shown)


async def test_a_window_of_more_than_a_year_is_cut_and_said_so(desk: Desk) -> None:
    """A century is looked at for its first year only."""
    await add(desk, "far", "2030-01-01T09:00")
    answer = await desk.call("get_calendar_events", time_max="2126-01-01")
    assert rows_in(answer.data, "events") == []
    assert "Only the first 366 days are covered" in answer.message


async def test_a_time_that_was_chosen_for_the_person_is_told(desk: Desk) -> None:
    """The message says how a local time was read that does not exist."""
    answer = await desk.call("get_calendar_events", time_min="2027-03-28T02:30", time_max="2027-03-29")
    assert "2027-03-28 02:30 does not exist in Europe/Berlin" in answer.message


@pytest.mark.parametrize("tool", ["get_calendar_events", "find_available_slots"])
@pytest.mark.parametrize("bad", BAD_TIMES)
async def test_a_window_that_is_no_time_is_answered_with_a_sentence(desk: Desk, tool: str, bad: str) -> None:
    """Only ISO times are taken, for either end."""
    for times in ({"time_min": bad, "time_max": "2026-12-01"}, {"time_min": "2026-12-01", "time_max": bad}):
        answer = await desk.call(tool, **times)
        assert answer.code == "invalid_time"
        assert "2027-03-28T14:30" in answer.message


@pytest.mark.parametrize("tool", ["get_calendar_events", "find_available_slots"])
async def test_a_window_that_ends_before_it_starts_is_refused(desk: Desk, tool: str) -> None:
    """The refusal names both ends; a window without length is none either."""
    for time_max in ("2026-11-30T09:00", "2026-12-01T09:00"):
        answer = await desk.call(tool, time_min="2026-12-01T09:00", time_max=time_max)
        assert answer.code == "end_before_start"
        assert "2026-12-01T09:00:00+01:00" in answer.message


async def test_other_peoples_and_deleted_events_are_not_there(desk: Desk, strangers: Desk) -> None:
    """Neither is listed, and neither takes up time."""
    await add(strangers, "Theirs", "2026-11-27T08:00", 720)
    await add(strangers, "Their series", "2026-11-02T08:00", 720, recurrence="daily")
    await add(desk, "Deleted", "2026-11-27T08:00", 720, deleted_at=NOW)
    assert rows_in((await desk.call("get_calendar_events")).data, "events") == []
    slots = await desk.call("find_available_slots", time_min="2026-11-27", time_max="2026-11-27")
    assert len(rows_in(slots.data, "slots")) == 10


async def free(desk: Desk, **arguments: JsonValue) -> list[str]:
    """Return the labels of the slots of Friday, or of what is asked."""
    window: dict[str, JsonValue] = {"time_min": "2026-11-27", "time_max": "2026-11-27"}
    answer = await desk.call("find_available_slots", **{**window, **arguments})
    assert answer.success, answer.message
    return [str(label).removeprefix("Fri 27 Nov ") for label in column(answer.data, "slots", "label")]


async def test_slots_lie_between_the_events(desk: Desk) -> None:
    """Events block, recurring ones too; all-day ones and those without length do not; hours are 8 to 20."""
    await add_days(desk, "Company day", "2026-11-27", "2026-11-28")
    await add(desk, "Reminder", "2026-11-27T08:30", 0)
    await add(desk, "Stand-up", "2026-11-02T09:15", 15, recurrence="weekdays")
    await add(desk, "Workshop", "2026-11-27T10:30", 420)
    assert await free(desk) == ["08:00–09:00", "09:30–10:30", "17:30–18:30", "18:30–19:30"]


async def test_slots_have_the_length_that_is_asked(desk: Desk) -> None:
    """Shorter slots fit where longer ones do not."""
    await add(desk, "Morning", "2026-11-27T08:30", 600)
    assert await free(desk, duration_minutes=30) == ["08:00–08:30", "18:30–19:00", "19:00–19:30", "19:30–20:00"]
    assert await free(desk, duration_minutes=90) == ["18:30–20:00"]


async def test_slots_lie_wholly_in_the_preferred_hours(desk: Desk) -> None:
    """[9, 10, 15] is 09:00 to 11:00 and 15:00 to 16:00 in the person's zone."""
    assert await free(desk, preferred_hours=[15, 9, 10]) == ["09:00–10:00", "10:00–11:00", "15:00–16:00"]
    assert await free(desk, preferred_hours=[15, 9, 10], duration_minutes=90) == ["09:00–10:30"]


async def test_no_slot_passes_the_end_of_the_window(desk: Desk) -> None:
    """The last slot ends at time_max or before."""
    assert await free(desk, time_max="2026-11-27T10:30") == ["08:00–09:00", "09:00–10:00"]


async def test_slots_of_a_week_are_spread_over_its_days(desk: Desk) -> None:
    """At most ten are shown, and not all of them on the first day."""
    answer = await desk.call("find_available_slots", time_min="2026-11-30", time_max="2026-12-04")
    days = [str(start)[:10] for start in column(answer.data, "slots", "start_time")]
    assert len(days) == 10
    assert set(days) == {f"2026-{day}" for day in ("11-30", "12-01", "12-02", "12-03", "12-04")}


async def test_no_slot_is_in_the_past(desk: Desk) -> None:
    """A window that has begun is searched from now on; one that is over is refused."""
    answer = await desk.call(
        "find_available_slots", time_min="2026-11-20", time_max="2026-11-26", preferred_hours=list(range(24))
    )
    assert column(answer.data, "slots", "start_time")[0] == "2026-11-26T00:30:00+01:00"
    over = await desk.call("find_available_slots", time_min="2026-11-20", time_max="2026-11-25")
    assert over.code == "in_the_past"


async def test_a_full_window_says_what_to_change(desk: Desk) -> None:
    """No slot is an answer too."""
    await add(desk, "Offsite", "2026-11-27T08:00", 720)
    answer = await desk.call("find_available_slots", time_min="2026-11-27", time_max="2026-11-27")
    assert answer.success
    assert answer.data["slots"] == []
    assert "other preferred_hours or a longer window" in answer.message


async def test_a_window_of_more_than_two_months_is_cut_and_said_so(desk: Desk) -> None:
    """Ten proposals do not need a year."""
    answer = await desk.call("find_available_slots", time_min="2026-12-01", time_max="2036-12-01")
    assert "Only the first 62 days are covered" in answer.message
    assert answer.data["time_max"] == "2027-02-01T00:00:00+01:00"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"duration_minutes": 0}, id="no length"),
        pytest.param({"duration_minutes": 14_401}, id="more than ten days"),
        pytest.param({"duration_minutes": "60"}, id="a text"),
        pytest.param({"preferred_hours": [24]}, id="hour 24"),
        pytest.param({"preferred_hours": [-1]}, id="hour -1"),
        pytest.param({"preferred_hours": ["9"]}, id="hour as a text"),
        pytest.param({"time_max": None}, id="no end"),
    ],
)
async def test_a_search_out_of_bounds_is_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What cannot be searched for is refused with what the tool takes."""
    window: dict[str, JsonValue] = {"time_min": "2026-11-27", "time_max": "2026-11-27"}
    with pytest.raises(ArgumentsInvalid, match=r"It takes: time_min\*, time_max\*"):
        await desk.call("find_available_slots", **{**window, **arguments})


async def test_the_links_of_a_task_are_listed(desk: Desk) -> None:
    """Only the live one, or with those that no longer hold."""
    task = await desk.add_task()
    old = await desk.add("calendar_events", summary="Old", starts_at=NOW, ends_at=NOW, deleted_at=NOW)
    await desk.add("task_calendar_events", task_id=task, event_id=old, deleted_at=NOW)
    event = await desk.add_event(task, at("2026-11-27T09:00"))
    live = await desk.call("get_task_calendar_events", task_id=str(task))
    every = await desk.call("get_task_calendar_events", task_id=str(task), include_deleted=True)
    (link,) = rows_in(live.data, "links")
    assert (link["event_id"], link["start_time"]) == (str(event), "2026-11-27T09:00:00+01:00")
    assert link["deleted_at"] is None
    assert column(every.data, "links", "event_id") == [str(event), str(old)]
    assert rows_in(every.data, "links")[1]["deleted_at"] == "2026-11-26T00:30:00+01:00"


async def test_a_task_is_in_the_calendar_or_not(desk: Desk) -> None:
    """With an event comes the event, without one the tool that schedules."""
    task = await desk.add_task("Write the copy")
    before = await desk.call("check_task_has_calendar_event", task_id=str(task))
    event = await desk.add_event(task, at("2026-11-27T09:00"))
    after = await desk.call("check_task_has_calendar_event", task_id=str(task))
    assert (before.data["has_event"], before.data["event"]) == (False, None)
    assert "schedule_task" in before.message
    assert after.data["has_event"] is True
    assert row_in(after.data, "event")["event_id"] == str(event)
    assert "Fri 27 Nov 09:00–10:00" in after.message


@pytest.mark.parametrize("tool", ["get_task_calendar_events", "check_task_has_calendar_event"])
async def test_a_task_that_is_not_there_has_no_calendar(desk: Desk, strangers: Desk, tool: str) -> None:
    """Another person's, a deleted and an unused id get the same words."""
    theirs = await strangers.add_task()
    await strangers.add_event(theirs, NOW)
    for task in (theirs, await desk.add_task(deleted_at=NOW), NEVER_USED):
        answer = await desk.call(tool, task_id=str(task))
        assert answer.code == "not_found"
        assert answer.message == f"There is no task {task}. Look it up with list_tasks."
