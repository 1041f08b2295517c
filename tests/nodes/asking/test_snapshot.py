"""What the planner sees of the place before it asks for anything."""

from dataclasses import replace
from uuid import uuid4

import pytest

from nodes.asking.snapshot import snapshot
from persistence.pools import Database
from tests.conftest import Person
from tests.nodes.asking.room import room
from tools.registry import Registry


@pytest.mark.parametrize(
    ("place", "has_entity", "readings"),
    [
        pytest.param("global", False, ["search_projects", "list_tasks"], id="everywhere"),
        pytest.param("calendar", False, ["get_calendar_events"], id="the calendar"),
        pytest.param(
            "daily_brief_update", False, ["get_calendar_events", "search_projects", "list_tasks"], id="the daily brief"
        ),
        pytest.param("project_create", False, ["search_projects", "list_tasks"], id="a project to be"),
        pytest.param("project", True, ["get_project_details"], id="a project"),
        pytest.param("project_audit", True, ["get_project_details"], id="a project's audit"),
        pytest.param("task", True, ["get_task_details"], id="a task"),
        pytest.param("task_update", True, ["get_task_details"], id="a task's update"),
        pytest.param("project", False, ["search_projects", "list_tasks"], id="a project that is not named"),
        pytest.param("somewhere_else", False, ["search_projects", "list_tasks"], id="a place nobody knows"),
    ],
)
async def test_each_place_is_read_with_the_tools_for_it(
    database: Database,
    person: Person,
    place: str,
    has_entity: bool,  # noqa: FBT001 - the table's column
    readings: list[str],
) -> None:
    """The snapshot names the readings it is made of, in order."""
    async with room(database, person, []) as at:
        context = replace(at.context, context_type=place, entity_id=uuid4() if has_entity else None)
        shown = await snapshot(context)
    assert [line.removeprefix("## ") for line in shown.splitlines() if line.startswith("## ")] == readings


async def test_the_snapshot_stays_within_its_budget(database: Database, person: Person) -> None:
    """However full the workspace, the snapshot is no longer than the limit and a few signs between its parts."""
    async with room(database, person, []) as at:
        shown = await snapshot(replace(at.context, limits=replace(at.context.limits, snapshot_chars=100)))
    assert len(shown) <= 100 + 2


async def test_a_tool_the_operator_took_away_reads_as_nothing(database: Database, person: Person) -> None:
    """Without a tool the planner is told so and the run goes on."""
    async with room(database, person, []) as at:
        shown = await snapshot(replace(at.context, registry=Registry.of([])))
    assert shown.count("not available") == 2
