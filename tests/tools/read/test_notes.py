"""The tools that find and read notes."""

from datetime import timedelta

import pytest
from pydantic import JsonValue

from tests.workspace_rows import NEVER_USED, NOW, Desk, column, row_in, rows_in, size_bytes
from tools.errors import ArgumentsInvalid


async def test_a_listed_note_shows_how_it_begins(desk: Desk) -> None:
    """A short note has 200 characters of its content, its category, tags and project."""
    project = await desk.add_project("Launch")
    note = await desk.add(
        "notes", title="T", content="c" * 201, category="idea", tags=["a"], project_id=project, created_at=NOW
    )
    await desk.add("notes", content="d" * 200, created_at=NOW - timedelta(days=1))
    listed = rows_in((await desk.call("search_notes")).data, "notes")
    assert listed[0] == {
        "id": str(note),
        "title": "T",
        "preview": "c" * 199 + "…",
        "category": "idea",
        "tags": ["a"],
        "project_id": str(project),
        "project_name": "Launch",
        "created_at": "2026-11-26T00:30:00+01:00",
    }
    assert listed[1]["preview"] == "d" * 200


async def test_the_newest_note_comes_first(desk: Desk) -> None:
    """Notes are listed by when they were written."""
    for days in (2, 0, 1):
        await desk.add("notes", content=f"{days} days old", created_at=NOW - timedelta(days=days))
    answer = await desk.call("search_notes")
    assert column(answer.data, "notes", "preview") == ["0 days old", "1 days old", "2 days old"]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("meeting", {"Meeting"}),
        ("WALL_", {"Paint"}),
        ("50%", {"Meeting"}),
        ("%", {"Meeting"}),
        ("_", {"Paint"}),
        ("\\", set[str]()),
        ("", {"Meeting", "Paint", None}),
        ("\n", {"Meeting", "Paint", None}),
    ],
)
async def test_a_query_is_found_as_it_stands(desk: Desk, query: str, titles: set[str | None]) -> None:
    """Title and content are searched; no character is a wildcard; a note without a title is found too."""
    await desk.add("notes", title="Meeting", content="50% agreed")
    await desk.add("notes", title="Paint", content="the wall_north")
    await desk.add("notes", content="untitled")
    answer = await desk.call("search_notes", query=query)
    assert set(column(answer.data, "notes", "title")) == titles


async def test_project_and_category_narrow_the_search(desk: Desk) -> None:
    """Only notes of the project, or of the category in any case, are listed."""
    project = await desk.add_project()
    await desk.add("notes", content="in", project_id=project)
    await desk.add("notes", content="idea", category="Idea")
    await desk.add("notes", content="ideal", category="ideal")
    by_project = await desk.call("search_notes", project_id=str(project))
    by_category = await desk.call("search_notes", category="iDEA")
    assert column(by_project.data, "notes", "preview") == ["in"]
    assert column(by_category.data, "notes", "preview") == ["idea"]


@pytest.mark.parametrize(("asked", "shown"), [(3, 3), (0, 1), (-5, 1), (21, 20), (10**9, 20)])
async def test_a_limit_out_of_bounds_is_moved_and_said_so(desk: Desk, asked: int, shown: int) -> None:
    """A limit goes from 1 to 20."""
    for number in range(22):
        await desk.add("notes", content=f"note {number}")
    answer = await desk.call("search_notes", limit=asked)
    assert len(rows_in(answer.data, "notes")) == shown
    assert (answer.data["total"], answer.data["has_more"]) == (22, True)
    assert ("The limit was set to" in answer.message) is (asked != shown)


@pytest.mark.parametrize(
    "arguments", [{"limit": "all"}, {"query": "x" * 201}, {"project_id": 7}, {"category": " "}, {"tags": ["a"]}]
)
async def test_arguments_of_another_kind_are_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What is not in the contract is refused with the parameter's name."""
    with pytest.raises(ArgumentsInvalid, match=next(iter(arguments))):
        await desk.call("search_notes", **arguments)


async def test_a_whole_note_is_read(desk: Desk) -> None:
    """The details show the content as it was written, and the project."""
    project = await desk.add_project("Launch")
    content = "line\r\nline\N{LINE SEPARATOR}<b>& \N{GRINNING FACE}"
    note = await desk.add("notes", title="T", content=content, project_id=project)
    answer = await desk.call("get_note_details", note_id=str(note))
    assert row_in(answer.data, "note")["content"] == content
    assert row_in(answer.data, "note")["project_name"] == "Launch"
    assert answer.message == f"Note “T”, {len(content)} characters."


async def test_the_longest_note_is_cut_to_a_short_result(desk: Desk) -> None:
    """A note that is too long for one result is cut, and the message says so and how long it is."""
    note = await desk.add("notes", content="\N{GRINNING FACE}" * 16_384)
    answer = await desk.call("get_note_details", note_id=str(note))
    assert size_bytes(answer) <= 16_000
    assert answer.message.startswith("Note without a title, 16384 characters. Texts are cut to 2000 characters")


async def test_someone_elses_note_is_not_there(desk: Desk, strangers: Desk) -> None:
    """Another person's ids get the words that an unused id gets."""
    project = await strangers.add_project()
    note = await strangers.add("notes", content="secret", project_id=project)
    found = await desk.call("search_notes", query="secret")
    theirs = await desk.call("get_note_details", note_id=str(note))
    in_theirs = await desk.call("search_notes", project_id=str(project))
    unused = await desk.call("get_note_details", note_id=str(NEVER_USED))
    assert found.data["total"] == 0
    assert theirs.code == unused.code == in_theirs.code == "not_found"
    assert theirs.message.replace(str(note), str(NEVER_USED)) == unused.message
    assert unused.message == f"There is no note {NEVER_USED}. Look it up with search_notes."
