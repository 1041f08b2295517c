"""The tool that writes brain dumps."""

import pytest
from pydantic import JsonValue

from tests.workspace_rows import NEVER_USED, Desk, row_in
from tools.errors import ArgumentsInvalid


async def test_a_dump_is_kept_as_it_came(desk: Desk) -> None:
    """A dump is pending, has no summary yet, and may belong to a project."""
    project = await desk.add_project("Launch")
    answer = await desk.call("create_brain_dump", content=" all of it ", project_id=str(project))
    short = row_in(answer.data, "brain_dump")
    read = await desk.call("get_brain_dump_details", brain_dump_id=short["id"])
    assert answer.message == "Created the brain dump."
    assert (short["status"], short["summary"], short["project_name"]) == ("pending", None, "Launch")
    assert row_in(read.data, "brain_dump")["content"] == " all of it "


async def test_a_dump_needs_no_project(desk: Desk) -> None:
    """A dump without a project is a dump."""
    answer = await desk.call("create_brain_dump", content="thoughts")
    assert row_in(answer.data, "brain_dump")["project_id"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"content": " "},
        {"content": "x" * 16_385},
        {"content": 5},
        {"content": "c", "project_id": "x"},
        {"content": "c", "status": "completed"},
    ],
)
async def test_a_dump_out_of_bounds_is_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What the table would not take is refused before it, with the parameter's name."""
    with pytest.raises(ArgumentsInvalid, match=list(arguments)[-1] if arguments else "content"):
        await desk.call("create_brain_dump", **arguments)
    assert await desk.count("brain_dumps") == 0


async def test_a_dump_in_a_project_that_is_not_there_is_not_made(desk: Desk, strangers: Desk) -> None:
    """Another person's id gets the words that an unused id gets."""
    theirs = await strangers.add_project()
    for project in (theirs, NEVER_USED):
        answer = await desk.call("create_brain_dump", content="c", project_id=str(project))
        assert answer.code == "not_found"
        assert answer.message == f"There is no project {project}. Look it up with search_projects."
    assert await desk.count("brain_dumps") == 0
