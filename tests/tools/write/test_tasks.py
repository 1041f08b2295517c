"""The tools that create and change tasks."""

from dataclasses import fields
from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import JsonValue

from persistence.scope import Role
from persistence.workspace import tasks
from tests.workspace_rows import NEVER_USED, NOW, TOOLS, Desk, row_in
from tools.errors import ArgumentsInvalid, MayNotWrite
from tools.tool import Access

FIELDS = "title, description, details, status, priority, start_date, duration_minutes"


async def stored(desk: Desk, task_id: object) -> tasks.Task:
    """Read a task back, past the tools."""
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        task = await tasks.find(scope, UUID(str(task_id)))
    assert task is not None
    return task


async def test_a_task_needs_a_title_only(desk: Desk) -> None:
    """What is not said has the contract's defaults."""
    answer = await desk.call("create_task", title="  Write copy ")
    task = await stored(desk, row_in(answer.data, "task")["id"])
    assert answer.message == "Created the task “Write copy”."
    assert (task.title, task.description, task.status, task.priority) == ("Write copy", "", "backlog", "medium")
    assert (task.task_type, task.duration_minutes, task.start_date) == ("one_off", 60, None)
    assert (task.project_id, task.parent_task_id, task.completed_at) == (None, None, None)


async def test_a_task_takes_every_parameter(desk: Desk) -> None:
    """Each parameter is stored, and the answer is the short task."""
    project = await desk.add_project("Launch")
    parent = await desk.add_task("Parent", project_id=project)
    answer = await desk.call(
        "create_task",
        title="T",
        description="d",
        project_id=str(project),
        priority="high",
        task_type="recurring",
        duration_minutes=14_400,
        start_date="2026-12-01T09:30",
        parent_task_id=str(parent),
    )
    short = row_in(answer.data, "task")
    task = await stored(desk, short["id"])
    assert short["project_name"] == "Launch"
    assert short["start_date"] == "2026-12-01T09:30:00+01:00"
    assert (task.description, task.priority, task.task_type) == ("d", "high", "recurring")
    assert (task.duration_minutes, task.parent_task_id) == (14_400, parent)


async def test_a_subtask_is_in_its_parents_project(desk: Desk) -> None:
    """Without a project of its own a subtask gets its parent's."""
    project = await desk.add_project()
    parent = await desk.add_task(project_id=project)
    answer = await desk.call("create_task", title="part", parent_task_id=str(parent))
    assert row_in(answer.data, "task")["project_id"] == str(project)


async def test_a_subtask_of_a_task_without_project_may_have_one(desk: Desk) -> None:
    """Nothing is inherited from a parent that is in no project."""
    project = await desk.add_project()
    parent = await desk.add_task()
    answer = await desk.call("create_task", title="part", parent_task_id=str(parent), project_id=str(project))
    assert row_in(answer.data, "task")["project_id"] == str(project)


async def test_a_subtask_in_another_project_is_refused(desk: Desk) -> None:
    """A subtask and its parent are never in two projects."""
    parent = await desk.add_task(project_id=await desk.add_project("A"))
    other = await desk.add_project("B")
    answer = await desk.call("create_task", title="part", parent_task_id=str(parent), project_id=str(other))
    assert answer.code == "refused"
    assert "Leave project_id out" in answer.message
    assert await desk.count("tasks") == 1


@pytest.mark.parametrize(
    ("written", "shown", "said"),
    [
        pytest.param("2026-12-01", "2026-12-01T00:00:00+01:00", None, id="a date"),
        pytest.param("2026-12-01T09:00:00Z", "2026-12-01T10:00:00+01:00", None, id="an offset"),
        pytest.param("2027-03-28T02:30", "2027-03-28T03:30:00+02:00", "does not exist", id="a gap"),
        pytest.param("2027-10-31T02:30", "2027-10-31T02:30:00+02:00", "occurs twice", id="a repeated hour"),
    ],
)
async def test_a_start_is_local_to_the_person(desk: Desk, written: str, shown: str, said: str | None) -> None:
    """Local times are resolved in one layer, which says how when it had to choose."""
    answer = await desk.call("create_task", title="T", start_date=written)
    assert row_in(answer.data, "task")["start_date"] == shown
    assert said is None or said in answer.message


@pytest.mark.parametrize(
    "start", ["tomorrow", "03/04/2027", "2027-02-30", "infinity", "20000-01-01", "1850-01-01", "", "-0001-01-01"]
)
async def test_a_start_that_is_no_time_is_answered_with_a_sentence(desk: Desk, start: str) -> None:
    """Only ISO dates and times of 1900 to 2200 are stored, on creation and on change."""
    task = await desk.add_task()
    created = await desk.call("create_task", title="T", start_date=start)
    updated = await desk.call("update_task", task_id=str(task), updates={"start_date": start})
    assert created.code == updated.code == "invalid_time"
    assert await desk.count("tasks") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"title": ""},
        {"title": " \n "},
        {"title": "\u200b"},
        {"title": "x" * 501},
        {"title": None},
        {"title": "t", "description": "x" * 16_385},
        {"title": "t", "priority": "urgent"},
        {"title": "t", "task_type": "habit"},
        {"title": "t", "duration_minutes": 0},
        {"title": "t", "duration_minutes": 14_401},
        {"title": "t", "duration_minutes": 1.5},
        {"title": "t", "duration_minutes": "60"},
        {"title": "t", "project_id": "Launch"},
        {"title": "t", "status": "done"},
        {"title": "t", "user_id": str(NEVER_USED)},
    ],
)
async def test_a_task_out_of_bounds_is_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What the table would not take is refused before it, with the parameter's name."""
    with pytest.raises(ArgumentsInvalid, match=list(arguments)[-1]):
        await desk.call("create_task", **arguments)
    assert await desk.count("tasks") == 0


async def test_a_nul_in_a_title_is_replaced(desk: Desk) -> None:
    """Text that cannot be stored is stored with a replacement character."""
    answer = await desk.call("create_task", title="a\x00b\ud800", description="\x00")
    assert row_in(answer.data, "task")["title"] == "a\ufffdb\ufffd"


async def test_a_task_of_something_that_is_not_there_is_not_made(desk: Desk, strangers: Desk) -> None:
    """An unused id and another person's id get the same words; so does a deleted parent."""
    project = await strangers.add_project()
    parent = await strangers.add_task()
    deleted = await desk.add_task(deleted_at=NOW)
    for project_id in (project, NEVER_USED):
        answer = await desk.call("create_task", title="t", project_id=str(project_id))
        assert answer.code == "not_found"
        assert answer.message == f"There is no project {project_id}. Look it up with search_projects."
    for parent_id in (parent, NEVER_USED, deleted):
        answer = await desk.call("create_task", title="t", parent_task_id=str(parent_id))
        assert answer.code == "not_found"
        assert answer.message == f"There is no task {parent_id}. Look it up with list_tasks."
    assert await desk.count("tasks") == 1


async def test_the_same_content_twice_is_two_tasks(desk: Desk) -> None:
    """Two calls are two wishes; only the ledger knows a call that is repeated."""
    await desk.call("create_task", title="Same")
    await desk.call("create_task", title="Same")
    assert await desk.count("tasks") == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "New"),
        ("description", "what"),
        ("description", ""),
        ("details", "how"),
        ("status", "in_progress"),
        ("status", "blocked"),
        ("priority", "low"),
        ("duration_minutes", 1),
    ],
)
async def test_an_update_stores_the_field_and_no_other(desk: Desk, name: str, value: JsonValue) -> None:
    """Each field is changed on its own, and named in the answer."""
    task = await desk.add_task("Old", description="old", start_date=NOW)
    before = await stored(desk, task)
    answer = await desk.call("update_task", task_id=str(task), updates={name: value})
    after = await stored(desk, task)
    title = value if name == "title" else "Old"
    assert answer.message == f"Updated the task “{title}”: {name}."
    assert answer.data["changed"] == [name]
    assert getattr(after, name) == value
    names = [field.name for field in fields(after)]
    assert {each for each in names if getattr(before, each) != getattr(after, each)} == {name, "updated_at"}


async def test_done_completes_a_task_and_leaving_done_reopens_it(desk: Desk) -> None:
    """`completed_at` is there exactly while the status is `done`."""
    task = await desk.add_task()
    await desk.call("update_task", task_id=str(task), updates={"status": "done"})
    done = await stored(desk, task)
    await desk.call("update_task", task_id=str(task), updates={"title": "Renamed"})
    renamed = await stored(desk, task)
    await desk.call("update_task", task_id=str(task), updates={"status": "backlog"})
    reopened = await stored(desk, task)
    assert done.completed_at is not None
    assert renamed.completed_at == done.completed_at
    assert reopened.completed_at is None


async def test_the_same_values_change_nothing(desk: Desk) -> None:
    """An update that asks for what is there already is a success that says so."""
    task = await desk.add_task("Same", priority="high", start_date=datetime(2026, 12, 1, 8, 0, tzinfo=UTC))
    before = await stored(desk, task)
    updates: JsonValue = {"title": " Same ", "priority": "high", "start_date": "2026-12-01T09:00"}
    answer = await desk.call("update_task", task_id=str(task), updates=updates)
    assert answer.success
    assert answer.message == "Nothing changed: the task “Same” already is as asked."
    assert answer.data["changed"] == []
    assert await stored(desk, task) == before


async def test_an_update_of_nothing_names_the_fields(desk: Desk) -> None:
    """No field, or only nulls, is an error that names what could be changed."""
    task = await desk.add_task()
    nothing: list[JsonValue] = [{}, {"title": None, "status": None}]
    for updates in nothing:
        with pytest.raises(ArgumentsInvalid) as refusal:
            await desk.call("update_task", task_id=str(task), updates=updates)
        assert str(refusal.value) == f"There is nothing to update. The fields are: {FIELDS}."


@pytest.mark.parametrize("name", ["project_id", "completed_at", "deleted_at", "user_id", "Title", "is_admin"])
async def test_an_unknown_field_is_refused_and_the_known_ones_named(desk: Desk, name: str) -> None:
    """Nothing of an update is stored when one of its fields is not to be updated."""
    task = await desk.add_task("Old")
    with pytest.raises(ArgumentsInvalid) as refusal:
        await desk.call("update_task", task_id=str(task), updates={"title": "New", name: None})
    assert str(refusal.value) == f"No field to update is named “{name}”. The fields are: {FIELDS}."
    assert (await stored(desk, task)).title == "Old"


@pytest.mark.parametrize(
    "updates",
    [
        {"title": "  "},
        {"title": "x" * 501},
        {"details": "x" * 16_385},
        {"status": "finished"},
        {"priority": 1},
        {"duration_minutes": 0},
        {"start_date": 1_700_000_000},
        [],
        "title",
    ],
)
async def test_an_update_out_of_bounds_is_refused(desk: Desk, updates: JsonValue) -> None:
    """What the table would not take is refused before it."""
    task = await desk.add_task()
    with pytest.raises(ArgumentsInvalid, match="updates"):
        await desk.call("update_task", task_id=str(task), updates=updates)


async def test_camel_case_fields_are_understood(desk: Desk) -> None:
    """`durationMinutes` means `duration_minutes`, in the updates too."""
    task = await desk.add_task()
    await desk.call("update_task", taskId=str(task), updates={"durationMinutes": 5})
    assert (await stored(desk, task)).duration_minutes == 5


async def test_a_new_start_moves_the_linked_event(desk: Desk) -> None:
    """Task and event begin together; the event stays as long as it was."""
    task = await desk.add_task(start_date=NOW)
    await desk.add_event(task, NOW, minutes=90)
    answer = await desk.call("update_task", task_id=str(task), updates={"start_date": "2026-12-01T09:00"})
    details = await desk.call("get_task_details", task_id=str(task))
    event = row_in(row_in(details.data, "task"), "calendar_event")
    assert answer.data["changed"] == ["start_date", "calendar_event"]
    assert (event["start_time"], event["end_time"]) == ("2026-12-01T09:00:00+01:00", "2026-12-01T10:30:00+01:00")


async def test_a_date_alone_keeps_the_time_of_day(desk: Desk) -> None:
    """Moved to another day, over a change of the clocks too, a task begins at the same local time."""
    task = await desk.add_task(start_date=datetime(2026, 11, 24, 8, 30, tzinfo=UTC))
    await desk.add_event(task, datetime(2026, 11, 24, 8, 30, tzinfo=UTC))
    answer = await desk.call("update_task", task_id=str(task), updates={"start_date": "2027-06-01"})
    details = await desk.call("get_task_details", task_id=str(task))
    assert row_in(answer.data, "task")["start_date"] == "2027-06-01T09:30:00+02:00"
    assert row_in(row_in(details.data, "task"), "calendar_event")["start_time"] == "2027-06-01T09:30:00+02:00"


async def test_a_null_start_removes_the_linked_event(desk: Desk) -> None:
    """A task without a start has no event."""
    task = await desk.add_task(start_date=NOW)
    await desk.add_event(task, NOW)
    answer = await desk.call("update_task", task_id=str(task), updates={"start_date": None})
    details = await desk.call("get_task_details", task_id=str(task))
    again = await desk.call("update_task", task_id=str(task), updates={"start_date": None})
    assert answer.data["changed"] == ["start_date", "calendar_event"]
    assert row_in(answer.data, "task")["start_date"] is None
    assert row_in(details.data, "task")["calendar_event"] is None
    assert again.data["changed"] == []


async def test_another_field_leaves_the_event_alone(desk: Desk) -> None:
    """The event follows the start only."""
    task = await desk.add_task(start_date=NOW)
    event = await desk.add_event(task, NOW)
    await desk.call("update_task", task_id=str(task), updates={"status": "done"})
    details = await desk.call("get_task_details", task_id=str(task))
    assert row_in(row_in(details.data, "task"), "calendar_event")["event_id"] == str(event)


async def test_a_choice_between_two_readings_of_a_start_is_told(desk: Desk) -> None:
    """How a start on a repeated hour was read stands in the answer."""
    task = await desk.add_task()
    answer = await desk.call("update_task", task_id=str(task), updates={"start_date": "2027-10-31T02:30"})
    assert answer.message.endswith("The first is meant.")


async def test_a_task_that_is_not_there_is_not_changed(desk: Desk, strangers: Desk) -> None:
    """Another person's, a deleted and an unused id get the same words."""
    theirs = await strangers.add_task("Theirs")
    deleted = await desk.add_task(deleted_at=NOW)
    for task in (theirs, deleted, NEVER_USED):
        answer = await desk.call("update_task", task_id=str(task), updates={"title": "Mine"})
        assert answer.code == "not_found"
        assert answer.message == f"There is no task {task}. Look it up with list_tasks."
    assert (await stored(strangers, theirs)).title == "Theirs"


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.access is Access.WRITE])
async def test_a_caller_that_may_only_read_writes_nothing(desk: Desk, name: str) -> None:
    """Every write tool refuses a caller without the open transaction of a ledger row."""
    tool = TOOLS[name]
    args = tool.args.model_construct()
    with pytest.raises(MayNotWrite):
        await tool.run(args, desk.reader())
