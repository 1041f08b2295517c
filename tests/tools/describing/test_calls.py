"""What a person is shown of a call: what it is about, and what it changes, while nothing is changed."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import JsonValue

from tests.tools.extension import SEND
from tests.workspace_rows import NOW, Desk
from tools.describing.calls import described
from tools.describing.description import Description
from tools.registry import Registry

REGISTRY = Registry.of([*Registry.build().tools.values(), SEND])


async def describe(desk: Desk, name: str, **arguments: JsonValue) -> Description:
    """Describe a call."""
    tool = REGISTRY.tools[name]
    return await described(tool, tool.args.model_validate_json(json.dumps(arguments)), desk.reader())


def changes(description: Description) -> dict[str, tuple[Any, Any]]:
    """Return the changes by field, as before and after."""
    return {change.field: (change.before, change.after) for change in description.changes}


async def test_a_new_task_is_shown_with_what_was_given(desk: Desk) -> None:
    """A creation shows each given field as new."""
    shown = await describe(desk, "create_task", title="Water the plants", priority="high")
    assert shown.target == "a new task “Water the plants”"
    assert changes(shown) == {"title": (None, "Water the plants"), "priority": (None, "high")}


async def test_a_changed_task_shows_what_differs(desk: Desk) -> None:
    """An update shows only the fields that it makes different, from and to, and what its event does."""
    task = await desk.add_task("Plan", start_date=NOW, priority="low")
    await desk.add_event(task, NOW)
    later = (NOW + timedelta(hours=1)).isoformat()
    shown = await describe(
        desk, "update_task", task_id=str(task), updates={"title": "Plan", "priority": "high", "start_date": later}
    )
    assert shown.target == "the task “Plan”"
    assert changes(shown).keys() == {"priority", "start_date", "calendar_event"}
    assert changes(shown)["priority"] == ("low", "high")
    assert changes(shown)["calendar_event"][1] == "moves"


async def test_a_changed_project_shows_what_differs(desk: Desk) -> None:
    """A project's status goes from one word to another; alone it may be ordered by name."""
    project = await desk.add_project("Apollo")
    shown = await describe(desk, "update_project", project_id=str(project), updates={"status": "archived"})
    assert (shown.target, shown.name) == ("the project “Apollo”", "Apollo")
    assert changes(shown) == {"status": ("active", "archived")}
    more = await describe(
        desk, "update_project", project_id=str(project), updates={"status": "archived", "context": "x"}
    )
    assert more.name is None


async def test_a_name_that_two_rows_hold_names_neither(desk: Desk) -> None:
    """A project whose name stands in another's cannot be ordered by it."""
    project = await desk.add_project("Apollo")
    await desk.add_project("Apollo 11")
    shown = await describe(desk, "update_project", project_id=str(project), updates={"status": "archived"})
    assert shown.name is None


async def test_a_place_in_the_calendar_is_shown(desk: Desk) -> None:
    """To schedule shows when; to move shows from when to when."""
    free, planned = await desk.add_task("Free"), await desk.add_task("Planned", start_date=NOW)
    await desk.add_event(planned, NOW)
    first = await describe(desk, "schedule_task", task_id=str(free), start_time="2026-12-01T10:00")
    assert changes(first) == {"calendar_event": (None, "Tue 1 Dec 10:00–11:00")}
    moved = await describe(desk, "update_or_schedule_task", task_id=str(planned), start_time="2026-12-02T10:00")
    assert changes(moved)["calendar_event"][1] == "Wed 2 Dec 10:00–11:00"
    assert changes(moved)["calendar_event"][0] is not None


async def test_a_changed_event_shows_what_differs(desk: Desk) -> None:
    """An event's new end follows its new start."""
    event = await desk.add_event(await desk.add_task("Planned", start_date=NOW), NOW)
    shown = await describe(
        desk, "update_calendar_event", event_id=str(event), updates={"start_time": "2026-12-02T10:00"}
    )
    assert changes(shown).keys() == {"starts_at", "ends_at"}
    assert changes(shown)["starts_at"][1] == "2026-12-02T10:00:00+01:00"


async def test_a_series_cannot_be_ordered_by_name(desk: Desk) -> None:
    """Deleting an event of a series deletes it all: its description says so, and it has no name to be ordered by."""
    single = await desk.add("calendar_events", summary="Lunch", starts_at=NOW, ends_at=NOW)
    series = await desk.add("calendar_events", summary="Standup", starts_at=NOW, ends_at=NOW, recurrence="daily")
    assert (await describe(desk, "delete_calendar_event", event_id=str(single))).name == "Lunch"
    shown = await describe(desk, "delete_calendar_event", event_id=str(series))
    assert shown.name is None
    assert "repeated daily: all its occurrences" in shown.target


@pytest.mark.parametrize(
    ("name", "field", "more"),
    [
        ("update_task", "task_id", {"updates": {"title": "x"}}),
        ("update_project", "project_id", {"updates": {"name": "x"}}),
        ("schedule_task", "task_id", {"start_time": "2026-12-01T10:00"}),
        ("update_or_schedule_task", "task_id", {"start_time": "2026-12-01T10:00"}),
        ("update_calendar_event", "event_id", {"updates": {"summary": "x"}}),
        ("delete_calendar_event", "event_id", {}),
    ],
)
async def test_what_is_not_there_is_said_so(
    desk: Desk, strangers: Desk, name: str, field: str, more: dict[str, JsonValue]
) -> None:
    """A row that is missing and a row of someone else are described in the same words."""
    theirs = await _row_of(strangers, name)
    for row in (theirs, uuid4()):
        shown = await describe(desk, name, **{field: str(row)}, **more)
        assert f"{row}, which was not found" in shown.target
        assert (shown.changes, shown.name) == ((), None)


async def _row_of(desk: Desk, name: str) -> UUID:
    task = await desk.add_task("Theirs", start_date=NOW)
    if "event" in name:
        return await desk.add_event(task, NOW)
    return await desk.add_project("Theirs") if "project" in name else task


async def test_a_time_that_is_none_shows_what_was_asked(desk: Desk) -> None:
    """What the tool will refuse is shown as it was asked, and harms nothing."""
    task = await desk.add_task("Free")
    shown = await describe(desk, "schedule_task", task_id=str(task), start_time="soon")
    assert changes(shown)["start_time"] == (None, "soon")


async def test_an_operators_tool_shows_its_arguments(desk: Desk) -> None:
    """Of a tool that is not known here, the arguments are what there is to show."""
    shown = await describe(desk, "send_mail", to="a@example.org")
    assert shown.target == "what the tool send_mail reaches"
    assert changes(shown) == {"to": (None, "a@example.org")}
