"""The tools that find and read projects."""

import pytest
from pydantic import JsonValue

from tests.workspace_rows import NEVER_USED, NOW, Desk, column, row_in, rows_in, size_bytes
from tools.errors import ArgumentsInvalid

CORE = (
    "core_integrity_ideals",
    "core_people_bonds",
    "core_goals_momentum",
    "core_meaning_identity",
    "core_reality_understanding",
    "core_trust_safeguards",
    "core_opportunity_freedom",
    "core_power_resources",
    "core_harmony_integration",
)


async def test_a_listed_project_shows_how_far_it_is(desk: Desk) -> None:
    """A short project has its dates, tags, live tasks by standing, and completion rounded down."""
    project = await desk.add_project(
        "Launch", description="d" * 300, tags=["web"], start_date="2026-11-01", end_date="2026-12-24"
    )
    for status in ("done", "done", "blocked"):
        await desk.add_task(project_id=project, status=status)
    await desk.add_task(project_id=project, deleted_at=NOW)
    answer = await desk.call("search_projects")
    listed = rows_in(answer.data, "projects")[0]
    assert listed["id"] == str(project)
    assert listed["description"] == "d" * 199 + "…"
    assert listed["tags"] == ["web"]
    assert (listed["start_date"], listed["end_date"]) == ("2026-11-01", "2026-12-24")
    assert listed["task_counts"] == {"total": 3, "backlog": 0, "in_progress": 0, "blocked": 1, "done": 2}
    assert listed["completion_percent"] == 66
    assert answer.message == "1 project matches. Use get_project_details with an id for the whole project."


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("LAUNCH", {"Website launch"}, id="the name, in any case"),
        pytest.param("kitchen", {"Home"}, id="the description"),
        pytest.param("finance", {"Taxes"}, id="a tag"),
        pytest.param("100%", {"Taxes"}, id="a percent sign is itself"),
        pytest.param("%", {"Taxes"}, id="not every text"),
        pytest.param("_", {"Home"}, id="an underscore is itself"),
        pytest.param("\\", {"Website launch"}, id="a backslash is itself"),
        pytest.param("a\\", {"Website launch"}, id="a backslash at the end"),
        pytest.param("(a+)+$", set[str](), id="no expression"),
        pytest.param("' or 1=1 --", set[str](), id="no statement"),
        pytest.param("", {"Website launch", "Home", "Taxes"}, id="empty: all"),
        pytest.param("   ", {"Website launch", "Home", "Taxes"}, id="blank: all"),
        pytest.param("  taxes ", {"Taxes"}, id="space around it does not count"),
    ],
)
async def test_a_query_is_found_as_it_stands(desk: Desk, query: str, names: set[str]) -> None:
    """Name, description and tags are searched; no character is a wildcard."""
    await desk.add_project("Website launch", description="C:\\data\\site")
    await desk.add_project("Home", description="Paint the kitchen_wall")
    await desk.add_project("Taxes", description="100% on time", tags=["Finance"])
    answer = await desk.call("search_projects", query=query)
    assert set(column(answer.data, "projects", "name")) == names


async def test_the_last_changed_project_comes_first(desk: Desk) -> None:
    """Projects are listed by their last change."""
    first = await desk.add_project("First")
    await desk.add_project("Second")
    await desk.call("update_project", project_id=str(first), updates={"context": "new"})
    answer = await desk.call("search_projects")
    assert column(answer.data, "projects", "name") == ["First", "Second"]


@pytest.mark.parametrize("status", ["active", "paused", "completed", "archived"])
async def test_status_narrows_the_search(desk: Desk, status: str) -> None:
    """Only projects of the status are listed."""
    for name in ("active", "paused", "completed", "archived"):
        await desk.add_project(name, status=name)
    answer = await desk.call("search_projects", status=status)
    assert column(answer.data, "projects", "name") == [status]


@pytest.mark.parametrize(
    ("wanted", "names"), [(True, {"open"}), (False, {"empty", "finished"}), (None, {"open", "empty", "finished"})]
)
async def test_has_active_tasks_narrows_the_search(desk: Desk, wanted: JsonValue, names: set[str]) -> None:
    """A task is active that is live and not done."""
    await desk.add_task(project_id=await desk.add_project("open"))
    finished = await desk.add_project("finished")
    await desk.add_task(project_id=finished, status="done")
    await desk.add_task(project_id=finished, deleted_at=NOW)
    await desk.add_project("empty")
    answer = await desk.call("search_projects", has_active_tasks=wanted)
    assert set(column(answer.data, "projects", "name")) == names


@pytest.mark.parametrize(("asked", "shown"), [(3, 3), (0, 1), (-5, 1), (21, 20), (10**9, 20)])
async def test_a_limit_out_of_bounds_is_moved_and_said_so(desk: Desk, asked: int, shown: int) -> None:
    """A limit goes from 1 to 20."""
    for number in range(22):
        await desk.add_project(f"Project {number}")
    answer = await desk.call("search_projects", limit=asked)
    assert len(rows_in(answer.data, "projects")) == shown
    assert answer.data["total"] == 22
    assert answer.data["has_more"] is True
    assert ("The limit was set to" in answer.message) is (asked != shown)


@pytest.mark.parametrize(
    "arguments",
    [{"limit": "all"}, {"query": "x" * 201}, {"query": 5}, {"status": "open"}, {"has_active_tasks": 1}, {"tags": []}],
)
async def test_arguments_of_another_kind_are_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What is not in the contract is refused with the parameter's name."""
    with pytest.raises(ArgumentsInvalid, match=next(iter(arguments))):
        await desk.call("search_projects", **arguments)


async def test_a_whole_project_has_every_field(desk: Desk) -> None:
    """The details show the long texts, the calendar settings and the nine core texts."""
    texts = {name: f"about {name}" for name in ("description", "executive_summary", "context", *CORE)}
    project = await desk.add_project("Launch", calendar_color_id="7", calendar_sync_enabled=True, **texts)
    answer = await desk.call("get_project_details", project_id=str(project))
    whole = row_in(answer.data, "project")
    assert {name: whole[name] for name in texts} == texts
    assert (whole["calendar_color_id"], whole["calendar_sync_enabled"]) == ("7", True)
    assert whole["completion_percent"] == 0
    assert answer.message.startswith("Project “Launch”, active: 0 of 0 tasks done (0 %).")
    assert set(answer.data) == {"project", "phases"}


async def test_phases_come_in_their_order_with_their_tasks(desk: Desk) -> None:
    """A phase shows its live tasks' ids in order and how far it is."""
    project = await desk.add_project()
    later = await desk.add("phases", project_id=project, name="Later", position=2)
    sooner = await desk.add("phases", project_id=project, name="Sooner", position=1)
    second = await desk.add_task("b", project_id=project)
    first = await desk.add_task("a", project_id=project, status="done")
    gone = await desk.add_task("c", project_id=project, deleted_at=NOW)
    for position, task in enumerate((first, second, gone)):
        await desk.add("phase_tasks", phase_id=sooner, task_id=task, position=position)
    phases = rows_in((await desk.call("get_project_details", project_id=str(project))).data, "phases")
    assert [phase["id"] for phase in phases] == [str(sooner), str(later)]
    assert [phase["task_ids"] for phase in phases] == [[str(first), str(second)], []]
    assert [phase["completion_percent"] for phase in phases] == [50, 0]


async def test_phases_can_be_left_out(desk: Desk) -> None:
    """With `include_phases` false there is no word of them."""
    project = await desk.add_project()
    answer = await desk.call("get_project_details", project_id=str(project), include_phases=False)
    assert set(answer.data) == {"project"}


@pytest.mark.parametrize(
    ("include", "name", "most"),
    [("include_tasks", "tasks", 50), ("include_notes", "notes", 10), ("include_brain_dumps", "brain_dumps", 10)],
)
async def test_parts_of_a_project_come_when_asked_for(desk: Desk, include: str, name: str, most: int) -> None:
    """Tasks, notes and dumps of the project are shown up to a bound, those of others never."""
    project = await desk.add_project()
    text = "title" if name == "tasks" else "content"
    for number in range(most + 1):
        await desk.add(name, **{text: f"t{number}", "project_id": project})
    await desk.add(name, **{text: "elsewhere"})
    answer = await desk.call("get_project_details", project_id=str(project), **{include: True})
    shown = column(answer.data, name, "title" if name == "tasks" else "preview")
    assert "elsewhere" not in shown
    assert size_bytes(answer) <= 16_000
    assert name == "tasks" or answer.data[f"{name}_total"] == most + 1
    assert len(shown) == most or f"Only the first {len(shown)} of {most} {name}" in answer.message


async def test_the_longest_project_is_cut_to_a_short_result(desk: Desk) -> None:
    """Twelve long texts, many tags and all parts together still make a short result."""
    texts = dict.fromkeys(("description", "executive_summary", "context", *CORE), "\N{PILE OF POO}" * 16_384)
    project = await desk.add_project(tags=[f"tag {number}" for number in range(3000)], **texts)
    for number in range(50):
        await desk.add_task(f"{number}" + "x" * 490, project_id=project)
    parts = ("include_tasks", "include_notes", "include_brain_dumps")
    answer = await desk.call("get_project_details", project_id=str(project), **dict.fromkeys(parts, True))
    assert size_bytes(answer) <= 16_000
    assert "Texts are cut to 120 characters" in answer.message
    assert "of 3000 tags fit into one result." in answer.message


async def test_someone_elses_project_is_not_there(desk: Desk, strangers: Desk) -> None:
    """Another person's id gets the words that an unused id gets."""
    project = await strangers.add_project("Secret")
    found = await desk.call("search_projects", query="Secret")
    theirs = await desk.call("get_project_details", project_id=str(project))
    unused = await desk.call("get_project_details", project_id=str(NEVER_USED))
    assert found.data["total"] == 0
    assert theirs.code == unused.code == "not_found"
    assert theirs.message.replace(str(project), str(NEVER_USED)) == unused.message
    assert unused.message == f"There is no project {NEVER_USED}. Look it up with search_projects."
