"""The tool that changes projects."""

import pytest
from pydantic import JsonValue

from tests.tools.read.test_projects import CORE
from tests.workspace_rows import NEVER_USED, Desk, row_in
from tools.errors import ArgumentsInvalid


async def whole(desk: Desk, project_id: object) -> dict[str, JsonValue]:
    """Read a project back."""
    return row_in((await desk.call("get_project_details", project_id=str(project_id))).data, "project")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "New"),
        ("description", "d"),
        ("executive_summary", "s"),
        ("context", "c"),
        ("status", "paused"),
        ("start_date", "2026-01-31"),
        ("end_date", "2200-12-31"),
        ("tags", ["b", "a"]),
        ("tags", []),
        ("calendar_color_id", "11"),
        ("calendar_sync_enabled", True),
        *((name, "text") for name in CORE),
    ],
)
async def test_an_update_stores_the_field_and_no_other(desk: Desk, name: str, value: JsonValue) -> None:
    """Each of the nineteen fields is changed on its own, and named in the answer."""
    project = await desk.add_project("Old", tags=["x"])
    before = await whole(desk, project)
    answer = await desk.call("update_project", project_id=str(project), updates={name: value})
    after = await whole(desk, project)
    assert answer.data["changed"] == [name]
    assert after == before | {name: value, "updated_at": after["updated_at"]}


async def test_the_answer_is_the_short_project(desk: Desk) -> None:
    """An update answers with the project as a list shows it, completion included."""
    project = await desk.add_project("Old")
    await desk.add_task(project_id=project, status="done")
    answer = await desk.call("update_project", project_id=str(project), updates={"name": " New ", "context": "c"})
    short = row_in(answer.data, "project")
    assert answer.message == "Updated the project “New”: name, context."
    assert (short["id"], short["name"], short["completion_percent"]) == (str(project), "New", 100)


async def test_the_same_values_change_nothing(desk: Desk) -> None:
    """An update that asks for what is there already is a success that says so."""
    project = await desk.add_project("Same", tags=["a"])
    before = await whole(desk, project)
    answer = await desk.call("update_project", project_id=str(project), updates={"tags": ["a", "a"], "name": "Same"})
    assert answer.success
    assert answer.message == "Nothing changed: the project “Same” already is as asked."
    assert await whole(desk, project) == before


@pytest.mark.parametrize(
    ("name", "value"), [("start_date", "2026-01-01"), ("end_date", "2026-01-01"), ("calendar_color_id", "7")]
)
async def test_null_empties_a_date_and_the_colour(desk: Desk, name: str, value: str) -> None:
    """What a project need not have is taken away by a null."""
    project = await desk.add_project(**{name: value})
    answer = await desk.call("update_project", project_id=str(project), updates={name: None, "context": None})
    assert answer.data["changed"] == [name]
    assert (await whole(desk, project))[name] is None


@pytest.mark.parametrize(
    "updates",
    [{"start_date": "2026-12-02"}, {"end_date": "2026-10-31"}, {"start_date": "2027-01-02", "end_date": "2027-01-01"}],
)
async def test_a_project_cannot_end_before_it_starts(desk: Desk, updates: dict[str, JsonValue]) -> None:
    """The dates that would stand together are compared, given or stored."""
    project = await desk.add_project(start_date="2026-11-01", end_date="2026-12-01")
    before = await whole(desk, project)
    answer = await desk.call("update_project", project_id=str(project), updates=updates)
    assert answer.code == "refused"
    assert answer.message.startswith("The project cannot end on ")
    assert await whole(desk, project) == before


@pytest.mark.parametrize(
    "updates",
    [
        {"name": " "},
        {"name": "x" * 301},
        {"context": "x" * 16_385},
        {"status": "done"},
        {"start_date": "03/04/2027"},
        {"start_date": "2027-02-30"},
        {"start_date": "infinity"},
        {"start_date": "1700000000"},
        {"start_date": 1_700_000_000},
        {"start_date": "20000-01-01"},
        {"end_date": "1899-12-31"},
        {"end_date": "2201-01-01"},
        {"tags": "web"},
        {"tags": ["x" * 51]},
        {"tags": [" "]},
        {"tags": [f"t{number}" for number in range(21)]},
        {"calendar_sync_enabled": "yes"},
        {"calendar_color_id": 7},
        {"core_people_bonds": ["a"]},
    ],
)
async def test_an_update_out_of_bounds_is_refused(desk: Desk, updates: dict[str, JsonValue]) -> None:
    """What the table would not take is refused before it, with the field's name."""
    project = await desk.add_project()
    with pytest.raises(ArgumentsInvalid, match=next(iter(updates))):
        await desk.call("update_project", project_id=str(project), updates=updates)


@pytest.mark.parametrize(
    "updates", [{}, {"name": None}, {"slug": "x"}, {"user_id": str(NEVER_USED)}, {"name": "n", "id": 1}]
)
async def test_nothing_and_unknown_fields_are_refused_with_all_nineteen_names(
    desk: Desk, updates: dict[str, JsonValue]
) -> None:
    """An update without a field to change names every field there is."""
    project = await desk.add_project()
    with pytest.raises(ArgumentsInvalid) as refusal:
        await desk.call("update_project", project_id=str(project), updates=updates)
    assert str(refusal.value).endswith(
        "The fields are: name, description, executive_summary, context, status, start_date, end_date, tags,"
        f" calendar_color_id, calendar_sync_enabled, {', '.join(CORE)}."
    )


async def test_a_project_that_is_not_there_is_not_changed(desk: Desk, strangers: Desk) -> None:
    """Another person's id gets the words that an unused id gets."""
    theirs = await strangers.add_project("Theirs")
    for project in (theirs, NEVER_USED):
        answer = await desk.call("update_project", project_id=str(project), updates={"name": "Mine"})
        assert answer.code == "not_found"
        assert answer.message == f"There is no project {project}. Look it up with search_projects."
    assert (await whole(strangers, theirs))["name"] == "Theirs"
