"""The tools that change the calendar. It is Thursday 26 November 2026, 00:30 in Berlin."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import JsonValue

from persistence.scope import Role
from persistence.workspace import calendar, tasks
from persistence.workspace.calendar import Event
from tests.workspace_rows import BERLIN, NEVER_USED, NOW, Desk, column, row_in
from tools.errors import ArgumentsInvalid
from tools.tool import ToolAnswer

BAD_TIMES = ["03/04/2027", "32.13.2027", "2027-02-30", "infinity", "20000-01-01", "0044-03-15 BC", "friday", ""]


def at(text: str) -> datetime:
    """Return a local time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def event_id(answer: ToolAnswer) -> UUID:
    """Return the id of the event that an answer shows."""
    return UUID(str(row_in(answer.data, "event")["event_id"]))


def times(answer: ToolAnswer) -> tuple[JsonValue, JsonValue]:
    """Return when the event is that an answer shows."""
    event = row_in(answer.data, "event")
    return event["start_time"], event["end_time"]


async def task_of(desk: Desk, task_id: UUID) -> tasks.Task:
    """Read a task back, past the tools."""
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        task = await tasks.find(scope, task_id)
    assert task is not None
    return task


async def event_of(desk: Desk, event_id: UUID) -> Event | None:
    """Read an event back, past the tools."""
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        return await calendar.find(scope, event_id)


async def add(desk: Desk, summary: str, start: str, end: str, **columns: object) -> UUID:
    """Put an event into the calendar, by its local times in Berlin."""
    return await desk.add(
        "calendar_events",
        **{"summary": summary, "starts_at": at(start), "ends_at": at(end), "time_zone": BERLIN.key, **columns},
    )


@dataclass(frozen=True)
class Scheduled:
    """A task of 60 minutes on Friday at nine, in the calendar."""

    task: UUID
    event: UUID


@pytest.fixture
async def friday(desk: Desk) -> Scheduled:
    """Put a task into the calendar."""
    task = await desk.add_task("Write the copy", start_date=at("2026-11-27T09:00"))
    return Scheduled(task, await desk.add_event(task, at("2026-11-27T09:00")))


async def test_a_scheduled_task_stands_in_the_calendar(desk: Desk) -> None:
    """The event has the task's title and length, and the task starts when it does."""
    task = await desk.add_task("Write the copy", duration_minutes=90)
    answer = await desk.call("schedule_task", task_id=str(task), start_time="2026-11-27T09:00")
    event = await event_of(desk, event_id(answer))
    assert event is not None
    assert answer.message == "Scheduled “Write the copy” (Fri 27 Nov 09:00–10:30)."
    assert (event.summary, event.task_id, event.time_zone) == ("Write the copy", task, "Europe/Berlin")
    assert times(answer) == ("2026-11-27T09:00:00+01:00", "2026-11-27T10:30:00+01:00")
    assert (await task_of(desk, task)).start_date == at("2026-11-27T09:00")
    assert (await task_of(desk, task)).task_type == "one_off"


async def test_a_duration_is_the_events_own(desk: Desk) -> None:
    """A given length is the event's; the task keeps its estimate."""
    task = await desk.add_task()
    answer = await desk.call("schedule_task", task_id=str(task), start_time="2026-11-27T09:00", duration_minutes=25)
    assert times(answer)[1] == "2026-11-27T09:25:00+01:00"
    assert (await task_of(desk, task)).duration_minutes == 60


async def test_a_pattern_makes_the_task_recurring(desk: Desk) -> None:
    """Event and task carry the pattern."""
    task = await desk.add_task()
    answer = await desk.call(
        "schedule_task", task_id=str(task), start_time="2026-11-27T09:00", recurrence_pattern="weekdays"
    )
    stored = await task_of(desk, task)
    assert row_in(answer.data, "event")["recurrence"] == "weekdays"
    assert (stored.task_type, stored.recurrence_pattern) == ("recurring", "weekdays")
    assert "repeated weekdays" in answer.message


@pytest.mark.parametrize(
    ("written", "shown", "said"),
    [
        pytest.param("2027-03-28T02:30", "2027-03-28T03:30:00+02:00", "03:30 is meant", id="does not exist"),
        pytest.param("2026-10-25T02:30", "2026-10-25T02:30:00+02:00", "The first is meant", id="occurs twice"),
        pytest.param("2026-12-01T09:00Z", "2026-12-01T10:00:00+01:00", "", id="UTC"),
        pytest.param("2026-12-01 09:00", "2026-12-01T09:00:00+01:00", "", id="a space"),
    ],
)
async def test_a_start_is_local_and_doubts_are_told(desk: Desk, written: str, shown: str, said: str) -> None:
    """One layer decides, what it shows can be sent back, and the message says so."""
    task = await desk.add_task()
    answer = await desk.call("schedule_task", task_id=str(task), start_time=written)
    again = await desk.call("update_or_schedule_task", task_id=str(task), start_time=shown)
    assert times(answer)[0] == times(again)[0] == shown
    assert said in answer.message


async def test_a_date_alone_needs_a_time_of_day_from_somewhere(desk: Desk) -> None:
    """A task with a start keeps its time of day; one without is asked for it."""
    undated = await desk.add_task()
    dated = await desk.add_task(start_date=at("2026-11-20T14:15"))
    refused = await desk.call("schedule_task", task_id=str(undated), start_time="2027-07-01")
    answer = await desk.call("schedule_task", task_id=str(dated), start_time="2027-07-01")
    assert refused.code == "time_of_day_missing"
    assert await desk.count("calendar_events") == 1
    assert times(answer)[0] == "2027-07-01T14:15:00+02:00"


async def test_a_task_that_is_in_the_calendar_is_not_scheduled_again(desk: Desk, friday: Scheduled) -> None:
    """The refusal says when it is and which tool moves it."""
    answer = await desk.call("schedule_task", task_id=str(friday.task), start_time="2026-12-01T09:00")
    assert answer.code == "already_scheduled"
    assert "Fri 27 Nov 09:00–10:00" in answer.message
    assert "update_or_schedule_task" in answer.message
    assert await desk.count("calendar_events") == 1


async def test_two_at_once_schedule_a_task_once(desk: Desk) -> None:
    """The second of two calls at the same moment is refused: it waits for the first and sees its event."""
    task = await desk.add_task()
    answers = await asyncio.gather(
        *(desk.call("schedule_task", task_id=str(task), start_time=f"2026-12-0{day}T09:00") for day in (1, 2, 3))
    )
    assert sorted(answer.code or "" for answer in answers) == ["", "already_scheduled", "already_scheduled"]
    assert await desk.count("calendar_events") == 1


async def test_a_conflict_is_allowed_and_named(desk: Desk) -> None:
    """Events may overlap; what is at that time is told, all-day events and neighbours are not."""
    await add(desk, "Workshop", "2026-11-27T09:30", "2026-11-27T11:00")
    await add(desk, "Breakfast", "2026-11-27T08:00", "2026-11-27T09:00")
    await add(desk, "Company day", "2026-11-27", "2026-11-28", all_day=True)
    await add(desk, "Stand-up", "2026-11-02T09:15", "2026-11-02T09:30", recurrence="daily")
    task = await desk.add_task()
    answer = await desk.call("schedule_task", task_id=str(task), start_time="2026-11-27T09:00")
    assert answer.success
    assert column(answer.data, "conflicts", "summary") == ["Stand-up", "Workshop"]
    assert "At the same time: “Stand-up” (Fri 27 Nov 09:15–09:30), “Workshop”" in answer.message


async def test_the_past_is_allowed_and_named(desk: Desk) -> None:
    """What was done yesterday can be written down."""
    task = await desk.add_task()
    answer = await desk.call("schedule_task", task_id=str(task), start_time="2026-11-20T09:00")
    assert answer.message.endswith("That is in the past.")


@pytest.mark.parametrize("tool", ["schedule_task", "update_or_schedule_task"])
@pytest.mark.parametrize("start", BAD_TIMES)
async def test_a_start_that_is_no_time_is_answered_with_a_sentence(desk: Desk, tool: str, start: str) -> None:
    """Only ISO times are taken, and nothing is stored."""
    task = await desk.add_task()
    answer = await desk.call(tool, task_id=str(task), start_time=start)
    assert answer.code == "invalid_time"
    assert await desk.count("calendar_events") == 0


@pytest.mark.parametrize("tool", ["schedule_task", "update_or_schedule_task"])
async def test_a_task_that_is_not_there_is_not_scheduled(desk: Desk, strangers: Desk, tool: str) -> None:
    """Another person's, a deleted and an unused id get the same words, and nothing changes."""
    theirs = await strangers.add_task()
    for task in (theirs, await desk.add_task(deleted_at=NOW), NEVER_USED):
        answer = await desk.call(tool, task_id=str(task), start_time="2026-11-27T09:00")
        assert answer.code == "not_found"
        assert answer.message == f"There is no task {task}. Look it up with list_tasks."
    assert (await task_of(strangers, theirs)).start_date is None


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"duration_minutes": 0}, id="no length"),
        pytest.param({"duration_minutes": 10**9}, id="two millennia"),
        pytest.param({"recurrence_pattern": "hourly"}, id="unknown pattern"),
        pytest.param({"task_id": "1"}, id="no id"),
        pytest.param({"start_time": 5}, id="a number"),
        pytest.param({"colour": "red"}, id="unknown parameter"),
    ],
)
async def test_arguments_out_of_bounds_are_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What cannot be scheduled is refused with what the tool takes."""
    given: dict[str, JsonValue] = {"task_id": str(NEVER_USED), "start_time": "2026-11-27T09:00"}
    for tool in ("schedule_task", "update_or_schedule_task"):
        with pytest.raises(ArgumentsInvalid, match=r"It takes: task_id\*, start_time\*"):
            await desk.call(tool, **{**given, **arguments})


async def test_moving_keeps_the_event_and_its_length(desk: Desk, friday: Scheduled) -> None:
    """The linked event moves, the task with it."""
    answer = await desk.call("update_or_schedule_task", task_id=str(friday.task), start_time="2026-12-01T14:00")
    assert event_id(answer) == friday.event
    assert times(answer) == ("2026-12-01T14:00:00+01:00", "2026-12-01T15:00:00+01:00")
    assert (await task_of(desk, friday.task)).start_date == at("2026-12-01T14:00")
    assert answer.message.startswith("Moved “Focus” (Tue 1 Dec 14:00–15:00)")


async def test_moving_takes_a_new_length(desk: Desk, friday: Scheduled) -> None:
    """A given duration replaces the event's."""
    answer = await desk.call(
        "update_or_schedule_task", task_id=str(friday.task), start_time="2026-12-01T14:00", duration_minutes=15
    )
    assert times(answer)[1] == "2026-12-01T14:15:00+01:00"


async def test_moving_to_a_date_keeps_the_time_of_day(desk: Desk, friday: Scheduled) -> None:
    """09:00 in winter is 09:00 in summer."""
    answer = await desk.call("update_or_schedule_task", task_id=str(friday.task), start_time="2027-07-01")
    assert times(answer)[0] == "2027-07-01T09:00:00+02:00"


async def test_a_task_without_an_event_is_scheduled(desk: Desk) -> None:
    """Where there is nothing to move, an event is made."""
    task = await desk.add_task("Write the copy", duration_minutes=30)
    answer = await desk.call("update_or_schedule_task", task_id=str(task), start_time="2026-12-01T14:00")
    assert times(answer)[1] == "2026-12-01T14:30:00+01:00"
    assert answer.message.startswith("Scheduled “Write the copy”")
    assert (await task_of(desk, task)).start_date == at("2026-12-01T14:00")


async def test_an_event_can_be_made_anew(desk: Desk, friday: Scheduled) -> None:
    """force_recreate deletes the old event, keeps its link as history, and makes one from the task."""
    answer = await desk.call(
        "update_or_schedule_task", task_id=str(friday.task), start_time="2026-12-01", force_recreate=True
    )
    links = await desk.call("get_task_calendar_events", task_id=str(friday.task), include_deleted=True)
    assert event_id(answer) != friday.event
    assert times(answer)[0] == "2026-12-01T09:00:00+01:00"
    assert row_in(answer.data, "event")["summary"] == "Write the copy"
    assert await event_of(desk, friday.event) is None
    assert len(column(links.data, "links", "link_id")) == 2


async def test_scheduling_can_assign_a_project(desk: Desk) -> None:
    """The task and its subtasks come into the project."""
    project = await desk.add_project()
    task = await desk.add_task()
    subtask = await desk.add_task(parent_task_id=task)
    await desk.call(
        "update_or_schedule_task", task_id=str(task), start_time="2026-12-01T09:00", project_id=str(project)
    )
    assert (await task_of(desk, task)).project_id == project
    assert (await task_of(desk, subtask)).project_id == project


async def test_a_project_that_does_not_fit_is_refused(desk: Desk, strangers: Desk) -> None:
    """Another person's project is not there; a subtask stays in its parent's."""
    theirs, mine, other = await strangers.add_project(), await desk.add_project(), await desk.add_project()
    parent = await desk.add_task(project_id=mine)
    subtask = await desk.add_task(project_id=mine, parent_task_id=parent)
    missing = await desk.call(
        "update_or_schedule_task", task_id=str(parent), start_time="2026-12-01T09:00", project_id=str(theirs)
    )
    elsewhere = await desk.call(
        "update_or_schedule_task", task_id=str(subtask), start_time="2026-12-01T09:00", project_id=str(other)
    )
    assert missing.message == f"There is no project {theirs}. Look it up with search_projects."
    assert elsewhere.code == "refused"
    assert await desk.count("calendar_events") == 0
    assert (await task_of(desk, parent)).start_date is None


async def test_a_series_takes_a_last_day(desk: Desk, friday: Scheduled) -> None:
    """Pattern and last day are stored with the event and the task, and kept when it moves again."""
    await desk.call(
        "update_or_schedule_task",
        task_id=str(friday.task),
        start_time="2026-12-01T09:00",
        recurrence_pattern="weekly",
        recurrence_ends="2026-12-22",
    )
    answer = await desk.call("update_or_schedule_task", task_id=str(friday.task), start_time="2026-12-02T09:00")
    task = await task_of(desk, friday.task)
    event = row_in(answer.data, "event")
    assert (event["recurrence"], event["recurrence_ends"]) == ("weekly", "2026-12-22")
    assert (task.recurrence_pattern, task.recurrence_ends) == ("weekly", date(2026, 12, 22))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param({"recurrence_ends": "2026-12-22"}, "no_recurrence", id="nothing repeats"),
        pytest.param(
            {"recurrence_pattern": "daily", "recurrence_ends": "2026-11-30"},
            "end_before_start",
            id="over before it begins",
        ),
        *(
            pytest.param({"time_zone": name}, "unknown_time_zone", id=f"zone {name!r}")
            for name in ("Mars/Base", "EST", "FOO5", "europe/berlin", "../../etc/passwd", "")
        ),
    ],
)
async def test_a_schedule_that_cannot_be_is_refused(
    desk: Desk, friday: Scheduled, arguments: dict[str, JsonValue], code: str
) -> None:
    """The refusal has its code, for a task in the calendar and for one that is not, and nothing moves."""
    for task in (friday.task, await desk.add_task()):
        answer = await desk.call(
            "update_or_schedule_task", task_id=str(task), start_time="2026-12-01T09:00", **arguments
        )
        assert answer.code == code
    assert (await task_of(desk, friday.task)).start_date == at("2026-11-27T09:00")


async def test_a_start_can_be_local_to_another_zone(desk: Desk) -> None:
    """09:00 in New York is 15:00 in Berlin, and the series keeps New York's clock."""
    task = await desk.add_task()
    answer = await desk.call(
        "update_or_schedule_task",
        task_id=str(task),
        start_time="2026-12-01T09:00",
        time_zone="America/New_York",
        recurrence_pattern="daily",
    )
    event = await event_of(desk, event_id(answer))
    assert times(answer)[0] == "2026-12-01T15:00:00+01:00"
    assert event is not None
    assert event.time_zone == "America/New_York"


@pytest.mark.parametrize(
    ("updates", "start", "end"),
    [
        pytest.param({"start_time": "2026-12-01T14:00"}, "2026-12-01T14:00", "2026-12-01T15:00", id="start"),
        pytest.param({"start_time": "2026-12-01"}, "2026-12-01T09:00", "2026-12-01T10:00", id="date alone"),
        pytest.param({"end_time": "2026-11-27T12:00"}, "2026-11-27T09:00", "2026-11-27T12:00", id="end"),
        pytest.param({"end_time": "2026-11-28"}, "2026-11-27T09:00", "2026-11-28T10:00", id="end, date alone"),
        pytest.param({"end_time": "2026-11-27T09:00"}, "2026-11-27T09:00", "2026-11-27T09:00", id="no length"),
        pytest.param(
            {"start_time": "2026-12-01T08:00", "endTime": "2026-12-01T08:30"},
            "2026-12-01T08:00",
            "2026-12-01T08:30",
            id="both",
        ),
        pytest.param({"summary": "Deep work"}, "2026-11-27T09:00", "2026-11-27T10:00", id="summary only"),
        pytest.param({"end_time": "2026-12-11T09:00"}, "2026-11-27T09:00", "2026-12-11T09:00", id="two weeks"),
    ],
)
async def test_an_event_changes_and_its_task_follows(
    desk: Desk, friday: Scheduled, updates: dict[str, JsonValue], start: str, end: str
) -> None:
    """The fields that are given change; the task starts when the event does."""
    answer = await desk.call("update_calendar_event", event_id=str(friday.event), updates=updates)
    event = await event_of(desk, friday.event)
    assert answer.success, answer.message
    assert event is not None
    assert (event.starts_at, event.ends_at) == (at(start), at(end))
    assert event.summary == updates.get("summary", "Focus")
    assert (await task_of(desk, friday.task)).start_date == at(start)


async def test_a_description_changes_and_can_be_emptied(desk: Desk, friday: Scheduled) -> None:
    """An empty text is a description, a missing one leaves the old."""
    for text in ("Bring the plan.", ""):
        answer = await desk.call("update_calendar_event", event_id=str(friday.event), updates={"description": text})
        assert row_in(answer.data, "event")["description"] == text


@pytest.mark.parametrize(
    ("updates", "code"),
    [
        pytest.param({"end_time": "2026-11-27T08:59"}, "end_before_start", id="end before start"),
        pytest.param({"start_time": "2026-12-01T09:00", "end_time": "2026-11-27T10:00"}, "end_before_start", id="both"),
        pytest.param({"end_time": "2036-11-27T09:00"}, "event_too_long", id="ten years"),
        *(pytest.param({"start_time": text}, "invalid_time", id=f"start {text}") for text in BAD_TIMES),
        *(pytest.param({"end_time": text}, "invalid_time", id=f"end {text}") for text in BAD_TIMES),
    ],
)
async def test_an_event_that_cannot_be_is_refused(
    desk: Desk, friday: Scheduled, updates: dict[str, JsonValue], code: str
) -> None:
    """The refusal has its code and nothing changes."""
    answer = await desk.call("update_calendar_event", event_id=str(friday.event), updates=updates)
    event = await event_of(desk, friday.event)
    assert answer.code == code
    assert event is not None
    assert (event.starts_at, event.ends_at) == (at("2026-11-27T09:00"), at("2026-11-27T10:00"))


@pytest.mark.parametrize("updates", [{}, {"location": "Berlin"}, {"summary": ""}, {"summary": "x" * 501}])
async def test_updates_of_nothing_or_anything_else_are_refused(desk: Desk, updates: dict[str, JsonValue]) -> None:
    """Only a summary, two times and a description can change."""
    with pytest.raises(ArgumentsInvalid):
        await desk.call("update_calendar_event", event_id=str(NEVER_USED), updates=updates)


async def test_the_same_values_change_nothing_and_that_is_said(desk: Desk, friday: Scheduled) -> None:
    """What already is as asked is a success that says so."""
    answer = await desk.call(
        "update_calendar_event",
        event_id=str(friday.event),
        updates={"summary": "Focus", "start_time": "2026-11-27T09:00"},
    )
    assert answer.message == "Nothing changed: the event “Focus” already is as asked."


async def test_a_choice_between_two_readings_is_told(desk: Desk, friday: Scheduled) -> None:
    """Both ends are resolved by the same rules."""
    answer = await desk.call(
        "update_calendar_event",
        event_id=str(friday.event),
        updates={"start_time": "2027-03-28T02:30", "end_time": "2027-03-28T05:00"},
    )
    assert "03:30 is meant." in answer.message


async def test_an_event_longer_than_ours_can_be_renamed(desk: Desk) -> None:
    """The limit is for times that are given, not for those that stand there."""
    event = await add(desk, "Sabbatical", "2026-11-27", "2027-02-27", all_day=True)
    answer = await desk.call("update_calendar_event", event_id=str(event), updates={"summary": "Leave"})
    assert answer.success


async def test_an_all_day_event_moves_by_days(desk: Desk) -> None:
    """It keeps its number of days when the clocks change, and its end is its last day."""
    event = await add(desk, "Away", "2026-11-27", "2026-11-29", all_day=True)
    moved = await desk.call("update_calendar_event", event_id=str(event), updates={"start_time": "2027-03-27"})
    longer = await desk.call("update_calendar_event", event_id=str(event), updates={"end_time": "2027-03-30"})
    timed = await desk.call("update_calendar_event", event_id=str(event), updates={"start_time": "2027-03-27T09:00"})
    assert (*times(moved), row_in(moved.data, "event")["days"]) == ("2027-03-27", "2027-03-28", 2)
    assert (*times(longer), row_in(longer.data, "event")["days"]) == ("2027-03-27", "2027-03-30", 4)
    assert timed.code == "all_day_event"


async def test_an_event_without_a_task_is_changed_and_deleted(desk: Desk) -> None:
    """Not every event stands for a task."""
    event = await add(desk, "Dentist", "2026-11-27T08:00", "2026-11-27T09:00")
    await desk.call("update_calendar_event", event_id=str(event), updates={"summary": "Dentist, Dr Meyer"})
    answer = await desk.call("delete_calendar_event", event_id=str(event))
    assert answer.message == "Deleted the event “Dentist, Dr Meyer” (Fri 27 Nov 08:00–09:00)."
    assert answer.data["task_id"] is None


async def test_deleting_an_event_leaves_its_task_without_a_start(desk: Desk, friday: Scheduled) -> None:
    """Event and link are marked as deleted; the task is not scheduled any more, and can be again."""
    answer = await desk.call("delete_calendar_event", event_id=str(friday.event))
    check = await desk.call("check_task_has_calendar_event", task_id=str(friday.task))
    again = await desk.call("schedule_task", task_id=str(friday.task), start_time="2026-12-01T09:00")
    assert answer.data["task_id"] == str(friday.task)
    assert "schedule_task" in answer.message
    assert check.data["has_event"] is False
    assert again.success
    assert await desk.count("calendar_events") == 2


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("update_calendar_event", {"updates": {"summary": "Mine"}}), ("delete_calendar_event", {})],
)
async def test_an_event_that_is_not_there_is_not_changed(
    desk: Desk, strangers: Desk, tool: str, arguments: dict[str, JsonValue]
) -> None:
    """Another person's, a deleted and an unused id get the same words."""
    theirs = await add(strangers, "Theirs", "2026-11-27T08:00", "2026-11-27T09:00")
    deleted = await add(desk, "Deleted", "2026-11-27T08:00", "2026-11-27T09:00", deleted_at=NOW)
    for event in (theirs, deleted, NEVER_USED):
        answer = await desk.call(tool, event_id=str(event), **arguments)
        assert answer.code == "not_found"
        assert answer.message == f"There is no calendar event {event}. Look it up with get_calendar_events."
    kept = await event_of(strangers, theirs)
    assert kept is not None
    assert kept.summary == "Theirs"


async def test_a_task_moves_an_all_day_event_to_its_own_length(desk: Desk) -> None:
    """A task begins at a time of day, so its event does too."""
    task = await desk.add_task(duration_minutes=45)
    event = await add(desk, "Day", "2026-11-27", "2026-11-28", all_day=True)
    await desk.add("task_calendar_events", task_id=task, event_id=event)
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        assert await calendar.move_event_of_task(scope, task, at("2026-12-01T10:00"))
    moved = await event_of(desk, event)
    assert moved is not None
    assert (moved.all_day, moved.ends_at - moved.starts_at) == (False, timedelta(minutes=45))


async def test_a_task_without_an_event_has_none_to_move_or_remove(desk: Desk, strangers: Desk) -> None:
    """Neither does someone else's task."""
    task, theirs = await desk.add_task(), await strangers.add_task()
    await strangers.add_event(theirs, NOW)
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        for task_id in (task, theirs):
            assert not await calendar.move_event_of_task(scope, task_id, NOW)
            assert not await calendar.unlink_event_of_task(scope, task_id)
