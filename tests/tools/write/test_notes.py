"""The tool that writes notes."""

import pytest
from pydantic import JsonValue

from tests.workspace_rows import NEVER_USED, Desk, row_in
from tools.errors import ArgumentsInvalid


async def test_a_note_needs_content_only(desk: Desk) -> None:
    """A note without title, project, category and tags is a note."""
    answer = await desk.call("create_note", content="  as written\n")
    read = await desk.call("get_note_details", note_id=row_in(answer.data, "note")["id"])
    note = row_in(read.data, "note")
    assert answer.message == "Created the note without a title."
    assert note["content"] == "  as written\n"
    assert (note["title"], note["category"], note["tags"], note["project_id"]) == (None, None, [], None)


async def test_a_note_takes_every_parameter(desk: Desk) -> None:
    """Each parameter is stored, tags once each; the answer shows how the note begins."""
    project = await desk.add_project("Launch")
    answer = await desk.call(
        "create_note", content="c" * 300, title=" T ", project_id=str(project), category=" idea", tags=["a", "b", " a"]
    )
    note = row_in(answer.data, "note")
    assert answer.message == "Created the note “T”."
    assert (note["title"], note["category"], note["tags"]) == ("T", "idea", ["a", "b"])
    assert (note["project_id"], note["project_name"]) == (str(project), "Launch")
    assert note["preview"] == "c" * 199 + "…"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"content": ""},
        {"content": "\n\u200b "},
        {"content": "x" * 16_385},
        {"content": ["a"]},
        {"content": "c", "title": "x" * 501},
        {"content": "c", "title": " "},
        {"content": "c", "category": "x" * 101},
        {"content": "c", "tags": "a"},
        {"content": "c", "tags": ["a", 1]},
        {"content": "c", "tags": ["x" * 51]},
        {"content": "c", "tags": [f"t{number}" for number in range(21)]},
        {"content": "c", "project_id": "Launch"},
        {"content": "c", "id": str(NEVER_USED)},
    ],
)
async def test_a_note_out_of_bounds_is_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What the table would not take is refused before it, with the parameter's name."""
    with pytest.raises(ArgumentsInvalid, match=list(arguments)[-1] if arguments else "content"):
        await desk.call("create_note", **arguments)
    assert await desk.count("notes") == 0


async def test_a_note_as_long_as_a_message_is_stored_whole(desk: Desk) -> None:
    """The longest note is kept to its last character."""
    await desk.call("create_note", content="x" * 16_383 + "y")
    answer = await desk.call("search_notes", query="xy")
    assert answer.data["total"] == 1


async def test_a_note_in_a_project_that_is_not_there_is_not_made(desk: Desk, strangers: Desk) -> None:
    """Another person's id gets the words that an unused id gets."""
    theirs = await strangers.add_project()
    for project in (theirs, NEVER_USED):
        answer = await desk.call("create_note", content="c", project_id=str(project))
        assert answer.code == "not_found"
        assert answer.message == f"There is no project {project}. Look it up with search_projects."
    assert await desk.count("notes") == 0
    assert await strangers.count("notes") == 0
