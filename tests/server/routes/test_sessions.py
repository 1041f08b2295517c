"""`/api/agent/sessions` over HTTP."""

from uuid import uuid4

import httpx
import pytest

from tests.server.reading import STREAM, refusal, send, started
from tests.server.scripted_turns import ScriptedTurns

HERE = "/api/agent/sessions"


async def test_sessions_are_listed_in_pages(client: httpx.AsyncClient, strangers_client: httpx.AsyncClient) -> None:
    """All pages together hold one's own sessions once, the one last used first, whatever the size of a page."""
    sent = [await send(client, f"Question {n}") for n in range(4)]
    await send(client, "And then?", session_id=sent[1].session_id)
    await send(strangers_client)
    last_used_first = [sent[place].session_id for place in (1, 3, 2, 0)]
    for limit in (1, 2, 3, 100):
        listed: list[str] = []
        query: dict[str, str | int] = {"limit": limit}
        while True:
            page = (await client.get(HERE, params=query)).json()
            listed += [session["id"] for session in page["sessions"]]
            if page["next"] is None:
                break
            query["after"] = page["next"]
        assert listed == last_used_first


async def test_a_page_begins_behind_a_session_that_is_gone(client: httpx.AsyncClient) -> None:
    """The list goes on where it was left, though the session that it was left at was deleted meanwhile."""
    sent = [await send(client, f"Question {n}") for n in range(3)]
    page = (await client.get(HERE, params={"limit": 1})).json()
    await client.delete(f"{HERE}/{sent[2].session_id}")
    rest = (await client.get(HERE, params={"after": page["next"]})).json()
    assert [session["id"] for session in rest["sessions"]] == [sent[1].session_id, sent[0].session_id]


@pytest.mark.parametrize(("search", "found"), [("%", ["50% of it"]), ("OF", ["all of it", "50% of it"]), ("_", [])])
async def test_sessions_are_found_by_their_title(client: httpx.AsyncClient, search: str, found: list[str]) -> None:
    """A session is found by any part of its title, in any case, and no character is a wildcard."""
    for message in ("50% of it", "all of it", "Hello"):
        await send(client, message)
    listed = (await client.get(HERE, params={"search": search})).json()["sessions"]
    assert [session["title"] for session in listed] == found


async def test_a_listed_session_names_its_unfinished_run(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """The run that is at work in a session stands beside it; one with nothing to do has none."""
    idle = await send(client)
    script.go_on.clear()
    script.at_the_gate.clear()
    run_id, session_id = await started(client)
    await script.at_the_gate.wait()
    listed = {session["id"]: session["run"] for session in (await client.get(HERE)).json()["sessions"]}
    assert listed == {session_id: {"id": run_id, "status": "running"}, idle.session_id: None}


async def test_someone_elses_runs_are_not_there(client: httpx.AsyncClient, strangers_client: httpx.AsyncClient) -> None:
    """The runs of a session that is somebody else's, or of none, are not there."""
    answer = await send(client)
    for session in (answer.session_id, str(uuid4())):
        assert refusal(await strangers_client.get(f"{HERE}/{session}/runs")) == (404, "not_found")


async def test_a_session_gets_another_title(client: httpx.AsyncClient) -> None:
    """Renaming answers with the session as it is now; white space is put in order."""
    answer = await send(client)
    response = await client.patch(f"{HERE}/{answer.session_id}", json={"title": "  My \n week <b>\x1b[31m"})
    assert response.status_code == 200
    assert response.json()["title"] == "My week <b>\x1b[31m"
    assert (await client.get(STREAM)).json()["sessions"][0]["title"] == "My week <b>\x1b[31m"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_field"),
        ({"title": ""}, "title_empty"),
        ({"title": "\u200b"}, "title_empty"),
        ({"title": "a" * 10_000}, "invalid_field"),
        ({"title": 1}, "invalid_field"),
        ({"title": "a\0"}, "illegal_character"),
        ({"title": "a", "status": "archived"}, "unknown_field"),
        ({"title": "a", "user_id": str(uuid4())}, "unknown_field"),
    ],
)
async def test_nothing_but_a_title_is_taken(client: httpx.AsyncClient, body: dict[str, object], code: str) -> None:
    """A title that cannot be one and any other field are refused, and the session stays as it is."""
    answer = await send(client)
    assert refusal(await client.patch(f"{HERE}/{answer.session_id}", json=body)) == (422, code)
    assert (await client.get(STREAM)).json()["sessions"][0]["title"] == "Hello"


async def test_a_deleted_session_is_gone(client: httpx.AsyncClient) -> None:
    """After deleting, session and runs are as if they had never been."""
    answer = await send(client)
    assert (await client.delete(f"{HERE}/{answer.session_id}")).status_code == 204
    gone = [
        await client.get(STREAM, params={"session_id": answer.session_id}),
        await client.get(f"/api/agent/runs/{answer.run_id}"),
        await client.get(f"/api/agent/runs/{answer.run_id}/events"),
        await client.delete(f"{HERE}/{answer.session_id}"),
        await client.patch(f"{HERE}/{answer.session_id}", json={"title": "a"}),
    ]
    assert [refusal(response) for response in gone] == [(404, "not_found")] * 5


async def test_a_session_is_deleted_under_its_run(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """Deleting stops a run that is at work first."""
    script.go_on.clear()
    run_id, session_id = await started(client)
    assert (await client.delete(f"{HERE}/{session_id}")).status_code == 204
    assert refusal(await client.get(f"/api/agent/runs/{run_id}")) == (404, "not_found")


async def test_someone_elses_session_is_not_there(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient
) -> None:
    """A stranger can neither rename nor delete, and learns nothing from the answer."""
    answer = await send(client)
    for session in (answer.session_id, str(uuid4())):
        renamed = await strangers_client.patch(f"{HERE}/{session}", json={"title": "mine"})
        deleted = await strangers_client.delete(f"{HERE}/{session}")
        assert [refusal(renamed), refusal(deleted)] == [(404, "not_found")] * 2
    assert (await client.get(STREAM)).json()["sessions"][0]["title"] == "Hello"
