"""`/api/agent/runs` over HTTP."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from persistence.pools import Database
from tests.conftest import Person
from tests.server.reading import ended, refusal, send, started, streamed
from tests.server.scripted_turns import ScriptedTurns

HERE = "/api/agent/runs"


async def test_runs_are_listed_newest_first(client: httpx.AsyncClient, strangers_client: httpx.AsyncClient) -> None:
    """The list holds one's own runs, the newest first."""
    first, second = await send(client, "One"), await send(client, "Two")
    await send(strangers_client)
    listed = (await client.get(HERE)).json()["runs"]
    assert [(run["id"], run["request"], run["status"]) for run in listed] == [
        (second.run_id, "Two", "done"),
        (first.run_id, "One", "done"),
    ]


async def test_a_trace_holds_everything(client: httpx.AsyncClient) -> None:
    """A run's trace has the run and every table's rows of it."""
    answer = await send(client)
    trace = (await client.get(f"{HERE}/{answer.run_id}")).json()
    assert set(trace) == {
        "run",
        "plan",
        "agents",
        "conversations",
        "executions",
        "tool_calls",
        "write_intents",
        "approvals",
        "model_calls",
    }
    assert (trace["run"]["id"], trace["run"]["status"], trace["run"]["last_seq"]) == (answer.run_id, "done", 4)


async def test_a_stream_is_resumed_from_any_event(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """From every event of a finished run, by header or by query, the rest is byte for byte the rest."""
    script.after = [f"word {n} " for n in range(40)]
    answer = await send(client)
    frames = answer.body.split(b"\n\n")[:-1]
    for seq in range(len(frames) + 1):
        rest = b"".join(frame + b"\n\n" for frame in frames[seq:])
        by_header = await client.get(f"{HERE}/{answer.run_id}/events", headers={"Last-Event-ID": str(seq)})
        by_query = await client.get(f"{HERE}/{answer.run_id}/events", params={"after": seq})
        assert by_header.content == by_query.content == rest


async def test_a_stream_is_joined_while_the_run_goes_on(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """A reader that comes in the middle gets what was, and then what comes."""
    script.go_on.clear()
    run_id, _ = await started(client)
    await script.at_the_gate.wait()
    joins = [asyncio.create_task(client.get(f"{HERE}/{run_id}/events", params={"after": seq})) for seq in (0, 1, 2)]
    script.go_on.set()
    bodies = [(await join).content for join in joins]
    whole = await client.get(f"{HERE}/{run_id}/events")
    assert streamed(whole).types == ["session", "text", "text", "done"]
    assert all(whole.content.endswith(body) for body in bodies)
    assert [body.count(b"data: ") for body in bodies] == [4, 3, 2]


@pytest.mark.parametrize("cursor", ["5", "-1", "1.5", "1e9", "abc", "9" * 10_000, "1 2"])
async def test_a_cursor_that_is_none_is_refused_before_the_stream(client: httpx.AsyncClient, cursor: str) -> None:
    """A cursor behind the last event, or no number, is 400 and not a stream."""
    answer = await send(client)
    by_header = await client.get(f"{HERE}/{answer.run_id}/events", headers={"Last-Event-ID": cursor})
    by_query = await client.get(f"{HERE}/{answer.run_id}/events", params={"after": cursor})
    assert [refusal(by_header), refusal(by_query)] == [(400, "bad_cursor")] * 2


async def test_a_run_is_stopped(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """Cancelling answers when the run has ended, keeps what was said, and is refused the second time."""
    script.go_on.clear()
    run_id, session_id = await started(client)
    await script.at_the_gate.wait()
    response = await client.post(f"{HERE}/{run_id}/cancel")
    log = streamed(await client.get(f"{HERE}/{run_id}/events"))
    assert (response.status_code, response.json()["run"]["status"]) == (202, "cancelled")
    assert log.types == ["session", "text", "done"]
    assert log.events[-1]["finished_reason"] == "cancelled"
    assert refusal(await client.post(f"{HERE}/{run_id}/cancel")) == (409, "run_finished")
    script.go_on.set()
    assert (await send(client, "again", session_id=session_id)).types[-1] == "done"


async def test_someone_elses_run_is_not_there(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, database: Database, person: Person
) -> None:
    """Every question about someone else's run gets the bytes that a missing run gets, valid cursor or not."""
    answer = await send(client)
    headers = {"Last-Event-ID": "2"}
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        foreign = await strangers_client.request(method, f"{HERE}/{answer.run_id}{path}", headers=headers)
        missing = await strangers_client.request(method, f"{HERE}/{uuid4()}{path}", headers=headers)
        assert refusal(foreign) == (404, "not_found")
        assert foreign.content == missing.content
        assert set(foreign.headers) == set(missing.headers)
    assert (await ended(database, person, answer.run_id)).status == "done"


@pytest.mark.parametrize("path", ["", "/events", "/cancel"])
async def test_only_an_id_names_a_run(client: httpx.AsyncClient, path: str) -> None:
    """Anything but an id in the path is 422."""
    method = "POST" if path == "/cancel" else "GET"
    assert refusal(await client.request(method, f"{HERE}/abc{path}")) == (422, "invalid_id")
