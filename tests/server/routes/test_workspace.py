"""`/api/workspace` over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from persistence.pools import Database
from server.routes.workspace import OCCURRENCES_MAX
from tests.conftest import Person
from tests.server.reading import refusal
from tests.workspace_rows import Desk

HERE = "/api/workspace"
KINDS = ("projects", "tasks", "notes", "brain_dumps")
TEXTS = ("50% of it", "all of it", r"a\b", "a_b", "axb")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def desk(database: Database, person: Person) -> Desk:
    """Give the person's workspace."""
    return Desk(database, person)


async def put(desk: Desk, kind: str, text: str) -> UUID:
    """Put a row of a kind into the workspace that says a text."""
    match kind:
        case "projects":
            return await desk.add_project(text)
        case "tasks":
            return await desk.add_task(text)
        case _:
            return await desk.add(kind, content=text)


def text_of(kind: str, item: dict[str, Any]) -> str:
    """Return the text of a listed row."""
    return str(item[{"projects": "name", "tasks": "title"}.get(kind, "opening")])


async def listed(client: httpx.AsyncClient, kind: str, **query: str | int) -> list[dict[str, Any]]:
    """Return a list, all its pages in turn."""
    items: list[dict[str, Any]] = []
    while True:
        page = (await client.get(f"{HERE}/{kind}", params=query)).raise_for_status().json()
        items += page["items"]
        if page["next"] is None:
            return items
        query["after"] = page["next"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_list_is_read_in_pages(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, desk: Desk, kind: str
) -> None:
    """All pages together hold one's own rows once, newest first, whatever the size of a page."""
    made = [str(await put(desk, kind, text)) for text in TEXTS]
    for limit in (1, 2, 5, 100):
        assert [item["id"] for item in await listed(client, kind, limit=limit)] == made[::-1]
    assert await listed(strangers_client, kind) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("%", {"50% of it"}),
        ("_", {"a_b"}),
        ("\\", {r"a\b"}),
        ("OF IT", {"50% of it", "all of it"}),
        ("' or true --", set[str]()),
    ],
)
async def test_a_search_takes_every_character_as_it_is(
    client: httpx.AsyncClient, desk: Desk, kind: str, search: str, found: set[str]
) -> None:
    """No character of a search is a wildcard; case does not count."""
    for text in TEXTS:
        await put(desk, kind, text)
    assert {text_of(kind, item) for item in await listed(client, kind, search=search, limit=1)} == found


@pytest.mark.parametrize("kind", KINDS)
async def test_one_row_is_read_whole(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, desk: Desk, kind: str
) -> None:
    """A row has all its columns; somebody else's is not there, as one that is none."""
    row_id = await put(desk, kind, "x" * 250)
    row = (await client.get(f"{HERE}/{kind}/{row_id}")).json()
    assert row["id"] == str(row_id)
    assert "x" * 250 in row.values()
    assert row["created_at"] <= row["updated_at"]
    theirs, none = [await strangers_client.get(f"{HERE}/{kind}/{one}") for one in (row_id, uuid4())]
    assert refusal(theirs) == refusal(none) == (404, "not_found")


async def test_lists_say_what_belongs_together(client: httpx.AsyncClient, desk: Desk) -> None:
    """A task names its project, and a project counts its tasks by where they stand; deleted ones are nowhere."""
    project = await desk.add_project("Website launch", description="d" * 300)
    await desk.add_task("Copy", project_id=project, status="done")
    await desk.add_task("Pictures", project_id=project)
    await desk.add_task("Gone", project_id=project, deleted_at=MONDAY)
    tasks = await listed(client, "tasks")
    assert [(task["title"], task["project_name"], task["status"]) for task in tasks] == [
        ("Pictures", "Website launch", "backlog"),
        ("Copy", "Website launch", "done"),
    ]
    (shown,) = await listed(client, "projects")
    assert {name: shown[name] for name in ("backlog", "in_progress", "blocked", "done")} == {
        "backlog": 1,
        "in_progress": 0,
        "blocked": 0,
        "done": 1,
    }
    assert len(shown["opening"]) < 300


async def test_a_calendar_shows_each_occurrence(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, desk: Desk
) -> None:
    """A series is unfolded, earliest first, and what touches the window from outside is in it."""
    task = await desk.add_task("Focus time")
    single = await desk.add_event(task, MONDAY + timedelta(hours=23))
    hour = timedelta(hours=1)
    series = await desk.add(
        "calendar_events", summary="Stand-up", starts_at=MONDAY, ends_at=MONDAY + hour, recurrence="daily"
    )
    window = {"since": (MONDAY + hour / 2).isoformat(), "until": (MONDAY + timedelta(days=2, hours=-1)).isoformat()}
    answer = (await client.get(f"{HERE}/calendar", params=window)).json()
    assert [(item["id"], item["starts_at"], item["task_title"]) for item in answer["items"]] == [
        (str(series), "2026-11-23T09:00:00Z", None),
        (str(single), "2026-11-24T08:00:00Z", "Focus time"),
        (str(series), "2026-11-24T09:00:00Z", None),
    ]
    assert answer["has_more"] is False
    assert (await strangers_client.get(f"{HERE}/calendar", params=window)).json() == {"items": [], "has_more": False}
    assert (await client.get(f"{HERE}/calendar/{single}")).json()["task_id"] == str(task)
    assert refusal(await strangers_client.get(f"{HERE}/calendar/{single}")) == (404, "not_found")


async def test_a_calendar_begins_now(client: httpx.AsyncClient, desk: Desk) -> None:
    """Without a window the next seven days are shown."""
    task, now = await desk.add_task(), datetime.now(UTC)
    for far in (now - timedelta(days=2), now + timedelta(days=8)):
        await desk.add("calendar_events", summary="Far", starts_at=far, ends_at=far)
    soon = await desk.add_event(task, now + timedelta(days=6))
    answer = (await client.get(f"{HERE}/calendar")).json()
    assert [item["id"] for item in answer["items"]] == [str(soon)]


async def test_a_full_calendar_says_that_it_goes_on(client: httpx.AsyncClient, desk: Desk) -> None:
    """Of more occurrences than are shown at once the first come, with a word that there are more."""
    for n in range(OCCURRENCES_MAX // 62 + 1):
        start = MONDAY + n * timedelta(hours=1)
        await desk.add("calendar_events", summary=f"S{n}", starts_at=start, ends_at=start, recurrence="daily")
    window = {"since": MONDAY.isoformat(), "until": (MONDAY + timedelta(days=62)).isoformat()}
    answer = (await client.get(f"{HERE}/calendar", params=window)).json()
    starts = [item["starts_at"] for item in answer["items"]]
    assert (len(starts), answer["has_more"]) == (OCCURRENCES_MAX, True)
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("window", "refused"),
    [
        ({"since": "2026-11-23T00:00:00Z", "until": "2026-11-22T00:00:00Z"}, (422, "bad_window")),
        ({"since": "2026-11-23T00:00:00Z", "until": "2027-11-23T00:00:00Z"}, (422, "bad_window")),
        ({"since": "0001-01-01T00:00:00+14:00"}, (422, "bad_window")),
        ({"since": "9999-12-31T23:59:59-14:00"}, (422, "bad_window")),
        ({"until": "9999-12-31T23:59:59-14:00"}, (422, "bad_window")),
        ({"since": "Monday"}, (422, "invalid_field")),
        ({"since": "2026-11-23"}, (422, "invalid_field")),
        ({"until": "2026-11-23T00:00:00"}, (422, "invalid_field")),
    ],
)
async def test_a_window_is_a_time_of_two_months_at_most(
    client: httpx.AsyncClient, desk: Desk, window: dict[str, str], refused: tuple[int, str]
) -> None:
    """A window that ends before it begins, or is too long, or lies where no calendar reaches, is refused."""
    await desk.add("calendar_events", summary="S", starts_at=MONDAY, ends_at=MONDAY, recurrence="daily")
    assert refusal(await client.get(f"{HERE}/calendar", params=window)) == refused


async def test_the_edges_of_the_calendar_are_shown(client: httpx.AsyncClient, desk: Desk) -> None:
    """A window at either end of what the tables take is answered."""
    await desk.add("calendar_events", summary="S", starts_at=MONDAY, ends_at=MONDAY, recurrence="daily")
    for since in ("1900-01-01T00:00:00Z", "2200-12-31T00:00:00Z"):
        assert (await client.get(f"{HERE}/calendar", params={"since": since})).status_code == 200
