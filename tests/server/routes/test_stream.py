"""`/api/agent/stream` over HTTP."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest

from persistence.pools import Database
from server.wiring import Planwright
from tests.conftest import Person
from tests.server.reading import STREAM, ended, refusal, run_of, send, started, streamed, until
from tests.server.scripted_turns import ScriptedTurns


async def test_a_message_is_answered_with_its_runs_events(client: httpx.AsyncClient) -> None:
    """The answer is an event stream: numbered frames from `session` to one terminal event, for nobody to keep."""
    response = await client.post(STREAM, json={"message": "Hello"})
    answer = streamed(response)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in response.headers
    assert answer.types == ["session", "text", "text", "done"]
    assert [line for line in response.text.splitlines() if line.startswith("id:")] == [f"id: {n}" for n in range(1, 5)]


async def test_the_log_gives_the_same_bytes(client: httpx.AsyncClient) -> None:
    """Reading a run's events afterwards gives byte for byte what was streamed."""
    answer = await send(client)
    replay = await client.get(f"/api/agent/runs/{answer.run_id}/events")
    assert replay.content == answer.body


async def test_a_session_is_listed_and_read(client: httpx.AsyncClient) -> None:
    """A session stands in the list, the one last used first, and is read with its messages in order."""
    first = await send(client, "One")
    second = await send(client, "Two")
    await send(client, "Three", session_id=first.session_id)
    listed = (await client.get(STREAM)).json()["sessions"]
    read = (await client.get(STREAM, params={"session_id": first.session_id})).json()
    assert [session["id"] for session in listed] == [first.session_id, second.session_id]
    assert read["session"]["id"] == first.session_id
    assert [message["content"] for message in read["messages"]] == ["One", "Three"]


@pytest.mark.parametrize("session_id", ["x", "", "0B8E1C1E-7D0C-4B3A-9F57-0F4F2A1C9D01", "a" * 5000])
async def test_only_an_id_is_looked_up(client: httpx.AsyncClient, session_id: str) -> None:
    """Anything but an id is refused without looking."""
    assert refusal(await client.get(STREAM, params={"session_id": session_id})) == (422, "invalid_id")


async def test_what_is_someone_elses_is_not_there(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient
) -> None:
    """Someone else's session is answered with the very bytes of one that does not exist, and is in no list."""
    theirs = await send(strangers_client)
    for method in ("GET", "POST"):
        foreign, missing = [
            await client.request(
                method, STREAM, params={"session_id": session}, json={"message": "a", "session_id": session}
            )
            for session in (theirs.session_id, str(uuid4()))
        ]
        assert refusal(foreign) == (404, "not_found")
        assert foreign.content == missing.content
    assert (await client.get(STREAM)).json() == {"sessions": []}


async def test_a_closed_tab_does_not_stop_a_run(
    client: httpx.AsyncClient, database: Database, person: Person, script: ScriptedTurns, planwright: Planwright
) -> None:
    """A client that hangs up leaves the run going, and its stream is gone at once."""
    script.go_on.clear()
    run_id, _ = await started(client)
    await until(lambda: _nobody_listens(planwright))
    run = await run_of(database, person, run_id)
    assert run is not None
    assert not run.finished
    script.go_on.set()
    assert (await ended(database, person, run_id)).status == "done"


async def _nobody_listens(planwright: Planwright) -> bool:
    return len(planwright.hub) == 0


async def test_one_key_is_one_run_and_fifty_identical_streams(client: httpx.AsyncClient) -> None:
    """Fifty posts at once with one Idempotency-Key make one run, and each gets the whole stream of it."""
    headers = {"Idempotency-Key": "one"}
    posts = [client.post(STREAM, json={"message": "once"}, headers=headers) for _ in range(50)]
    answers = {streamed(response).body for response in await asyncio.gather(*posts)}
    assert len(answers) == 1
    assert len((await client.get("/api/agent/runs")).json()["runs"]) == 1


async def test_a_second_post_joins_where_it_stands(client: httpx.AsyncClient) -> None:
    """A repeated post with its last event's id gets what is behind that event; a wrong id is refused."""
    headers = {"Idempotency-Key": "one"}
    whole = await client.post(STREAM, json={"message": "once"}, headers=headers)
    rest = await client.post(STREAM, json={"message": "once"}, headers=headers | {"Last-Event-ID": "2"})
    wrong = await client.post(STREAM, json={"message": "once"}, headers=headers | {"Last-Event-ID": "9"})
    assert whole.content.endswith(rest.content)
    assert rest.content.startswith(b"id: 3\n")
    assert refusal(wrong) == (400, "bad_cursor")


async def test_a_key_belongs_to_one_request(client: httpx.AsyncClient) -> None:
    """The same key with another message is refused."""
    await client.post(STREAM, json={"message": "a"}, headers={"Idempotency-Key": "k"})
    response = await client.post(STREAM, json={"message": "b"}, headers={"Idempotency-Key": "k"})
    assert refusal(response) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("keys", [["a" * 201], ["a b"], ["a", "b"], ["ü"]])
async def test_a_key_is_short_and_given_once(client: httpx.AsyncClient, keys: list[str]) -> None:
    """A key that could not be stored or compared is refused."""
    headers = [(b"Idempotency-Key", key.encode()) for key in keys]
    response = await client.post(STREAM, json={"message": "a"}, headers=headers)
    assert refusal(response) == (422, "invalid_idempotency_key")


async def test_a_busy_session_waits_or_refuses(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """A second message waits its turn, or is refused with 409 when that is asked for."""
    script.go_on.clear()
    _, session_id = await started(client)
    body = {"message": "b", "session_id": session_id}
    refused = await client.post(STREAM, json=body, params={"if_busy": "reject"})
    waiting = asyncio.create_task(client.post(STREAM, json=body))
    script.go_on.set()
    assert refusal(refused) == (409, "session_busy")
    assert streamed(await waiting).types[-1] == "done"
    assert refusal(await client.post(STREAM, json=body, params={"if_busy": "maybe"})) == (422, "invalid_field")


async def test_a_message_is_never_repeated_in_a_refusal(client: httpx.AsyncClient) -> None:
    """A refused body is not echoed, whatever was wrong with it."""
    secret = "the person's secret"
    for body in ({"message": secret, "x": secret}, {"message": [secret]}, {secret: secret}, {"message": secret * 2000}):
        response = await client.post(STREAM, json=body)
        assert response.status_code == 422
        assert secret not in response.text


async def test_a_bad_message_leaves_the_session_usable(client: httpx.AsyncClient) -> None:
    """After every kind of refusal the session lists, opens and answers."""
    answer = await send(client)
    for message in ("", "\0", "\u200b", "a" * 17_000):
        response = await client.post(STREAM, json={"message": message, "session_id": answer.session_id})
        assert response.status_code == 422
    again = await send(client, "hello", session_id=answer.session_id)
    assert again.types[-1] == "done"
    read = (await client.get(STREAM, params={"session_id": answer.session_id})).json()
    assert [message["content"] for message in read["messages"]] == ["Hello", "hello"]


async def test_a_stopping_server_takes_no_message(client: httpx.AsyncClient, planwright: Planwright) -> None:
    """While a server drains, a message is refused with 503 and when to try again, and nothing is stored."""
    planwright.stopping.set()
    response = await client.post(STREAM, json={"message": "a"})
    assert refusal(response) == (503, "not_ready")
    assert int(response.headers["retry-after"]) >= 1
    assert (await client.get(STREAM)).json() == {"sessions": []}


async def test_the_first_event_is_the_sessions_row(client: httpx.AsyncClient) -> None:
    """The `session` event shows the row as it is listed, and the run that was made."""
    answer = await send(client, "Hello there")
    session = answer.events[0]["session"]
    assert isinstance(session, dict)
    listed = (await client.get(STREAM)).json()["sessions"][0]
    assert (session["id"], session["title"]) == (listed["id"], "Hello there")
    assert str(UUID(answer.run_id)) == answer.run_id
