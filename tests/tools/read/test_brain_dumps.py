"""The tools that find and read brain dumps."""

from datetime import timedelta

import pytest
from pydantic import JsonValue

from tests.workspace_rows import NEVER_USED, NOW, Desk, column, row_in, rows_in, size_bytes
from tools.errors import ArgumentsInvalid


async def test_a_listed_dump_shows_its_summary(desk: Desk) -> None:
    """A short dump has how it begins, its summary up to 400 characters, and its project."""
    project = await desk.add_project("Launch")
    dump = await desk.add(
        "brain_dumps",
        title="T",
        content="c" * 300,
        ai_summary="s" * 500,
        status="completed",
        project_id=project,
        created_at=NOW,
    )
    listed = rows_in((await desk.call("search_brain_dumps")).data, "brain_dumps")
    assert listed == [
        {
            "id": str(dump),
            "title": "T",
            "preview": "c" * 199 + "…",
            "summary": "s" * 399 + "…",
            "status": "completed",
            "project_id": str(project),
            "project_name": "Launch",
            "created_at": "2026-11-26T00:30:00+01:00",
        }
    ]


async def test_the_newest_dump_comes_first(desk: Desk) -> None:
    """Dumps are listed by when they were written."""
    for days in (2, 0, 1):
        await desk.add("brain_dumps", content=f"{days} days old", created_at=NOW - timedelta(days=days))
    answer = await desk.call("search_brain_dumps")
    assert column(answer.data, "brain_dumps", "preview") == ["0 days old", "1 days old", "2 days old"]


@pytest.mark.parametrize(
    ("query", "previews"),
    [
        ("MILK", {"buy milk_"}),
        ("household", {"buy milk_"}),
        ("_", {"buy milk_"}),
        ("%", {"half of it: 50%"}),
        ("\\", set[str]()),
        (" ", {"buy milk_", "half of it: 50%"}),
    ],
)
async def test_a_query_is_found_as_it_stands(desk: Desk, query: str, previews: set[str]) -> None:
    """Content and summary are searched; no character is a wildcard; a dump without a summary is found too."""
    await desk.add("brain_dumps", content="buy milk_", ai_summary="Household")
    await desk.add("brain_dumps", content="half of it: 50%")
    answer = await desk.call("search_brain_dumps", query=query)
    assert set(column(answer.data, "brain_dumps", "preview")) == previews


@pytest.mark.parametrize("status", ["pending", "processing", "completed", "failed"])
async def test_project_and_status_narrow_the_search(desk: Desk, status: str) -> None:
    """Only dumps of the project, or of the status, are listed."""
    project = await desk.add_project()
    for name in ("pending", "processing", "completed", "failed"):
        await desk.add("brain_dumps", content=name, status=name, project_id=project if name == status else None)
    by_status = await desk.call("search_brain_dumps", status=status)
    by_project = await desk.call("search_brain_dumps", project_id=str(project))
    assert column(by_status.data, "brain_dumps", "preview") == [status]
    assert column(by_project.data, "brain_dumps", "preview") == [status]


@pytest.mark.parametrize(("asked", "shown"), [(3, 3), (0, 1), (-5, 1), (21, 20), (10**9, 20)])
async def test_a_limit_out_of_bounds_is_moved_and_said_so(desk: Desk, asked: int, shown: int) -> None:
    """A limit goes from 1 to 20."""
    for number in range(22):
        await desk.add("brain_dumps", content=f"dump {number}")
    answer = await desk.call("search_brain_dumps", limit=asked)
    assert len(rows_in(answer.data, "brain_dumps")) == shown
    assert (answer.data["total"], answer.data["has_more"]) == (22, True)
    assert ("The limit was set to" in answer.message) is (asked != shown)


@pytest.mark.parametrize(
    "arguments", [{"limit": "all"}, {"query": "x" * 201}, {"project_id": "x"}, {"status": "done"}, {"category": "a"}]
)
async def test_arguments_of_another_kind_are_refused(desk: Desk, arguments: dict[str, JsonValue]) -> None:
    """What is not in the contract is refused with the parameter's name."""
    with pytest.raises(ArgumentsInvalid, match=next(iter(arguments))):
        await desk.call("search_brain_dumps", **arguments)


async def test_a_whole_dump_is_read(desk: Desk) -> None:
    """The details show the whole content, cut only when it does not fit."""
    short = await desk.add("brain_dumps", content="all of it", ai_summary="it")
    long = await desk.add("brain_dumps", content="\N{GRINNING FACE}" * 16_384)
    whole = await desk.call("get_brain_dump_details", brain_dump_id=str(short))
    cut = await desk.call("get_brain_dump_details", brain_dump_id=str(long))
    assert row_in(whole.data, "brain_dump")["content"] == "all of it"
    assert row_in(whole.data, "brain_dump")["summary"] == "it"
    assert whole.message == "Brain dump, pending, 9 characters."
    assert size_bytes(cut) <= 16_000
    assert "16384 characters. Texts are cut to 2000 characters" in cut.message


async def test_someone_elses_dump_is_not_there(desk: Desk, strangers: Desk) -> None:
    """Another person's ids get the words that an unused id gets."""
    project = await strangers.add_project()
    dump = await strangers.add("brain_dumps", content="secret", project_id=project)
    found = await desk.call("search_brain_dumps", query="secret")
    theirs = await desk.call("get_brain_dump_details", brain_dump_id=str(dump))
    in_theirs = await desk.call("search_brain_dumps", project_id=str(project))
    unused = await desk.call("get_brain_dump_details", brain_dump_id=str(NEVER_USED))
    assert found.data["total"] == 0
    assert theirs.code == unused.code == in_theirs.code == "not_found"
    assert theirs.message.replace(str(dump), str(NEVER_USED)) == unused.message
    assert unused.message == f"There is no brain dump {NEVER_USED}. Look it up with search_brain_dumps."
