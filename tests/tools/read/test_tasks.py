"""The tools that find and read tasks."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue

from tests.workspace_rows import NEVER_USED, NOW, Desk, column, row_in, rows_in, size_bytes
from tools.errors import ArgumentsInvalid


async def test_a_listed_task_shows_what_a_person_asks_first(desk: Desk) -> None:
    """A short task has its id, names, standing, times in the caller's zone, and whether it is overdue."""
    project = await desk.add_project("Website launch")
    parent = await desk.add_task("Launch", project_id=project, priority="low")
    start = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    task = await desk.add_task(
        "Write copy", project_id=project, parent_task_id=parent, priority="high", start_date=start, duration_minutes=45
    )
    answer = await desk.call("list_tasks")
    assert rows_in(answer.data, "tasks")[0] == {
        "id": str(task),
        "title": "Write copy",
        "status": "backlog",
        "priority": "high",
        "project_id": str(project),
        "project_name": "Website launch",
        "start_date": "2026-11-24T10:00:00+01:00",
        "duration_minutes": 45,
        "overdue": True,
        "parent_task_id": str(parent),
    }


async def test_tasks_with_and_without_a_project_are_listed(desk: Desk) -> None:
    """A list without a project filter also has the tasks that belong to none."""
    project = await desk.add_project()
    await desk.add_task("in", project_id=project)
    await desk.add_task("out")
    everything = await desk.call("list_tasks")
    one_project = await desk.call("list_tasks", project_id=str(project))
    assert set(column(everything.data, "tasks", "title")) == {"in", "out"}
    assert column(one_project.data, "tasks", "title") == ["in"]


@pytest.mark.parametrize(
    ("status", "titles"),
    [
        pytest.param(["done"], {"done"}, id="one"),
        pytest.param(["in_progress", "blocked"], {"in_progress", "blocked"}, id="two"),
        pytest.param("blocked", {"blocked"}, id="a word in place of a list"),
        pytest.param([], {"backlog", "in_progress", "done", "blocked"}, id="an empty list means all"),
        pytest.param(None, {"backlog", "in_progress", "done", "blocked"}, id="null means all"),
    ],
)
async def test_status_narrows_the_list(desk: Desk, status: JsonValue, titles: set[str]) -> None:
    """Only tasks of a named status are listed."""
    for name in ("backlog", "in_progress", "done", "blocked"):
        await desk.add_task(name, status=name)
    answer = await desk.call("list_tasks", status=status)
    assert set(column(answer.data, "tasks", "title")) == titles
    assert answer.data["total"] == len(titles)


@pytest.mark.parametrize(
    ("priority", "titles"),
    [(["high"], ["high"]), (["low", "high"], ["high", "low"]), ("medium", ["medium"])],
)
async def test_priority_narrows_the_list(desk: Desk, priority: JsonValue, titles: list[str]) -> None:
    """Only tasks of a named priority are listed, high first."""
    for name in ("low", "medium", "high"):
        await desk.add_task(name, priority=name)
    answer = await desk.call("list_tasks", priority=priority)
    assert column(answer.data, "tasks", "title") == titles


@pytest.mark.parametrize(
    ("has_date", "titles"), [(True, ["dated"]), (False, ["undated"]), (None, ["dated", "undated"])]
)
async def test_has_date_narrows_the_list(desk: Desk, has_date: JsonValue, titles: list[str]) -> None:
    """`has_date` keeps the tasks with a start, or those without."""
    await desk.add_task("undated")
    await desk.add_task("dated", start_date=NOW)
    answer = await desk.call("list_tasks", has_date=has_date)
    assert column(answer.data, "tasks", "title") == titles


@pytest.mark.parametrize(
    ("sort_by", "titles"),
    [
        pytest.param({}, ["high", "soon", "done", "late", "undated"], id="by priority unless asked otherwise"),
        pytest.param({"sort_by": "priority"}, ["high", "soon", "done", "late", "undated"], id="priority"),
        pytest.param({"sort_by": "start_date"}, ["done", "soon", "late", "high", "undated"], id="start_date"),
        pytest.param({"sort_by": "created_at"}, ["late", "done", "soon", "high", "undated"], id="created_at"),
    ],
)
async def test_a_list_has_the_order_asked_for(desk: Desk, sort_by: dict[str, str], titles: list[str]) -> None:
    """Priority puts high first and done last; a start earliest first and none last; creation newest first."""
    rows: list[tuple[str, str, str, int | None]] = [
        ("undated", "low", "backlog", None),
        ("high", "high", "backlog", None),
        ("soon", "medium", "backlog", 1),
        ("done", "medium", "done", 0),
        ("late", "low", "backlog", 9),
    ]
    for age, (title, priority, status, days) in enumerate(rows):
        start = None if days is None else NOW + timedelta(days=days)
        created = NOW + timedelta(hours=age)
        await desk.add_task(title, priority=priority, status=status, start_date=start, created_at=created)
    answer = await desk.call("list_tasks", **sort_by)
    assert column(answer.data, "tasks", "title") == titles


@pytest.mark.parametrize(
    ("asked", "shown", "most"),
    [(2, 2, None), (50, 50, None), (0, 1, 1), (-1, 1, 1), (51, 50, 50), (10**9, 50, 50), (10**30, 50, 50)],
)
async def test_a_limit_out_of_bounds_is_moved_and_said_so(desk: Desk, asked: int, shown: int, most: int | None) -> None:
    """A limit goes from 1 to 50; the total and `has_more` tell what is left out."""
    for number in range(52):
        await desk.add_task(f"t{number}")
    answer = await desk.call("list_tasks", limit=asked)
    assert len(rows_in(answer.data, "tasks")) == shown
    assert answer.data["total"] == 52
    assert answer.data["has_more"] is True
    assert ("The limit was set to" in answer.message) is (most is not None)
    assert f"the first {shown} are shown" in answer.message


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": "all"},
        {"limit": 1.5},
        {"limit": True},
        {"status": "finished"},
        {"status": ["done", "finished"]},
        {"priority": "urgent"},
        {"sort_by": "title"},
        {"has_date": "yes"},
        {"project_id": "Website"},
        {"user_id": str(NEVER_USED)},
    ],
)
async def test_arguments_of_another_kind_are_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What is not in the contract is refused with the parameter's name."""
    with pytest.raises(ArgumentsInvalid, match=next(iter(arguments))):
        await desk.call("list_tasks", **arguments)


async def test_camel_case_names_are_understood(desk: Desk) -> None:
    """`hasDate` and `sortBy` mean `has_date` and `sort_by`."""
    await desk.add_task("undated")
    answer = await desk.call("list_tasks", hasDate=True, sortBy="start_date")
    assert answer.data["total"] == 0


async def test_an_empty_list_is_a_success_that_says_so(desk: Desk) -> None:
    """A list that nothing fits is empty, not an error."""
    answer = await desk.call("list_tasks")
    assert answer.success
    assert answer.message == "No task matches."
    assert answer.data == {"tasks": [], "total": 0, "has_more": False}


async def test_a_list_says_where_to_read_on(desk: Desk) -> None:
    """The message counts and names the tool that reads one task."""
    await desk.add_task("only")
    answer = await desk.call("list_tasks")
    assert answer.message == "1 task matches. Use get_task_details with an id for the whole task."


@pytest.mark.parametrize(
    ("start", "status", "overdue"),
    [
        pytest.param(datetime(2026, 11, 25, 22, 59, tzinfo=UTC), "backlog", True, id="yesterday in Berlin"),
        pytest.param(datetime(2026, 11, 25, 23, 0, tzinfo=UTC), "backlog", False, id="today in Berlin, before now"),
        pytest.param(datetime(2026, 11, 25, 22, 59, tzinfo=UTC), "done", False, id="done"),
        pytest.param(datetime(2026, 12, 1, tzinfo=UTC), "blocked", False, id="to come"),
        pytest.param(None, "backlog", False, id="without a date"),
    ],
)
async def test_a_task_is_overdue_from_the_next_local_day(
    desk: Desk, start: datetime | None, status: str, *, overdue: bool
) -> None:
    """Overdue is what was to start before today, as the caller's calendar has it, and is not done."""
    await desk.add_task("task", start_date=start, status=status)
    answer = await desk.call("list_tasks")
    assert column(answer.data, "tasks", "overdue") == [overdue]


async def test_deleted_tasks_are_gone_from_lists_and_details(desk: Desk) -> None:
    """A deleted task is not there for any tool."""
    task = await desk.add_task(deleted_at=NOW)
    listed = await desk.call("list_tasks")
    read = await desk.call("get_task_details", task_id=str(task))
    assert listed.data["total"] == 0
    assert read.code == "not_found"


async def test_someone_elses_tasks_and_projects_are_not_there(desk: Desk, strangers: Desk) -> None:
    """Another person's id gets the words that an unused id gets."""
    project = await strangers.add_project()
    task = await strangers.add_task(project_id=project)
    listed = await desk.call("list_tasks")
    theirs = await desk.call("list_tasks", project_id=str(project))
    unused = await desk.call("list_tasks", project_id=str(NEVER_USED))
    read = await desk.call("get_task_details", task_id=str(task))
    assert listed.data["total"] == 0
    assert theirs.code == unused.code == read.code == "not_found"
    assert theirs.message == unused.message.replace(str(NEVER_USED), str(project))
    assert read.message == f"There is no task {task}. Look it up with list_tasks."


async def test_fifty_long_titles_still_make_a_short_result(desk: Desk) -> None:
    """A list is at most 16 KB: titles are cut, then its end is, and `has_more` and the message say so."""
    for number in range(50):
        await desk.add_task(f"{number} " + "\N{GRINNING FACE}" * 490)
    answer = await desk.call("list_tasks", limit=50)
    shown = len(rows_in(answer.data, "tasks"))
    assert size_bytes(answer) <= 16_000
    assert 10 < shown < 50
    assert answer.data["has_more"] is True
    assert answer.data["total"] == 50
    assert f"Only the first {shown} of 50 tasks fit into one result." in answer.message


async def test_a_whole_task_has_every_field(desk: Desk) -> None:
    """The details show what the list leaves out."""
    other = await desk.add_task("Before")
    task = await desk.add_task(
        "Whole",
        description="what",
        details="how",
        status="done",
        task_type="recurring",
        recurrence_pattern="weekly",
        recurrence_ends="2027-01-31",
        dependencies=[other],
    )
    whole = row_in((await desk.call("get_task_details", task_id=str(task))).data, "task")
    assert whole["description"] == "what"
    assert whole["details"] == "how"
    assert whole["task_type"] == "recurring"
    assert whole["recurrence_pattern"] == "weekly"
    assert whole["recurrence_ends"] == "2027-01-31"
    assert whole["dependencies"] == [str(other)]
    assert whole["completed_at"] == "2026-11-26T00:30:00+01:00"
    assert whole["parent"] is None
    assert whole["project"] is None
    assert whole["calendar_event"] is None


async def test_a_whole_task_comes_with_what_it_hangs_together_with(desk: Desk) -> None:
    """The parent, the project, the linked event and the subtasks are named."""
    project = await desk.add_project("Website launch")
    parent = await desk.add_task("Launch", project_id=project)
    task = await desk.add_task("Copy", project_id=project, parent_task_id=parent)
    child = await desk.add_task("Headline", parent_task_id=task)
    await desk.add_task("Gone", parent_task_id=task, deleted_at=NOW)
    event = await desk.add_event(task, datetime(2026, 11, 27, 8, 0, tzinfo=UTC))
    whole = row_in((await desk.call("get_task_details", task_id=str(task))).data, "task")
    assert whole["parent"] == {"id": str(parent), "title": "Launch", "status": "backlog"}
    assert whole["project"] == {"id": str(project), "name": "Website launch"}
    assert whole["calendar_event"] == {
        "event_id": str(event),
        "summary": "Focus",
        "start_time": "2026-11-27T09:00:00+01:00",
        "end_time": "2026-11-27T10:00:00+01:00",
        "all_day": False,
        "recurrence": None,
    }
    assert column(row_in(whole, "subtasks"), "tasks", "id") == [str(child)]
    assert row_in(whole, "subtasks")["total"] == 1


async def test_subtasks_can_be_left_out(desk: Desk) -> None:
    """With `include_subtasks` false there is no word of them."""
    task = await desk.add_task()
    await desk.add_task("Part", parent_task_id=task)
    answer = await desk.call("get_task_details", task_id=str(task), include_subtasks=False)
    assert "subtasks" not in row_in(answer.data, "task")


async def test_project_context_comes_when_asked_for(desk: Desk) -> None:
    """With `include_project_context` the project says what it is about and how far it is."""
    project = await desk.add_project(description="d", executive_summary="s", context="c", start_date="2026-11-01")
    task = await desk.add_task(project_id=project)
    await desk.add_task(project_id=project, status="done")
    await desk.add_task(project_id=project, status="done", deleted_at=NOW)
    answer = await desk.call("get_task_details", task_id=str(task), include_project_context=True)
    context = row_in(row_in(answer.data, "task"), "project")
    assert (context["description"], context["executive_summary"], context["context"]) == ("d", "s", "c")
    assert context["start_date"] == "2026-11-01"
    assert context["completion_percent"] == 50


async def test_the_longest_task_is_cut_to_a_short_result(desk: Desk) -> None:
    """Long texts of a whole task are cut, and the message says to what length."""
    task = await desk.add_task(description="\N{PILE OF POO}" * 16_384, details='"\n' * 8_000)
    answer = await desk.call("get_task_details", task_id=str(task))
    assert size_bytes(answer) <= 16_000
    assert "Texts are cut to 2000 characters" in answer.message
