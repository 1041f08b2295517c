"""`/api/agent/runs/{id}/export` and `/compare/{other}` over HTTP."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from persistence.pools import Database
from persistence.queue import Queue
from persistence.record import sums
from persistence.scope import Role
from server.engine import turns_of
from server.exports.bundle import read_bundle
from server.exports.page import POLICY
from server.tail import Hub
from server.wiring import Planwright
from server.worker import Worker
from tests.conftest import Person
from tests.server.conftest import RHYTHM, TOKEN_KEY
from tests.server.exports.complex_runs import complex_script
from tests.server.reading import Streamed, refusal, send
from tests.turns import desk

HERE = "/api/agent/runs"


@pytest.fixture
async def planwright(database: Database, person: Person, queue: Queue) -> AsyncIterator[Planwright]:
    """Give a running program whose model plans."""
    hub = Hub()
    async with desk(database, person, complex_script()) as at:
        worker = Worker(database, queue, turns_of(at.engine), hub, RHYTHM)
        worker.start()
        yield Planwright(database, at.engine, worker, hub, TOKEN_KEY, queue.name)
        await worker.stop()


@pytest.fixture
async def run(client: httpx.AsyncClient) -> Streamed:
    """Give a run that ended."""
    return await send(client, "Put my house in order")


async def test_a_run_is_taken_away_as_a_document(client: httpx.AsyncClient, run: Streamed) -> None:
    """The document has the trace that is served, and the log that was streamed."""
    answer = await client.get(f"{HERE}/{run.run_id}/export?as=json")
    trace = (await client.get(f"{HERE}/{run.run_id}")).json()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == f'attachment; filename="planwright-run-{run.run_id}.json"'
    document = answer.json()
    assert {name: document["trace"][name] for name in ("run", "plan", "tool_calls")} == {
        name: trace[name] for name in ("run", "plan", "tool_calls")
    }
    assert [logged["event"] for logged in document["events"]] == run.events
    assert str(read_bundle(answer.content).trace.run.id) == run.run_id


async def test_a_run_is_taken_away_as_a_page(client: httpx.AsyncClient, run: Streamed) -> None:
    """It comes as a download, never as a page of this origin, and carries a policy of its own."""
    answer = await client.get(f"{HERE}/{run.run_id}/export", params={"as": "html"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert POLICY.replace("'", "&#x27;") in answer.text
    assert "The plants are on your list." in answer.text


async def test_a_form_there_is_not_is_refused(client: httpx.AsyncClient, run: Streamed) -> None:
    """Nothing but a page and a document is made of a run."""
    assert refusal(await client.get(f"{HERE}/{run.run_id}/export?as=pdf")) == (422, "invalid_field")


async def test_two_runs_stand_side_by_side(
    client: httpx.AsyncClient, run: Streamed, database: Database, person: Person
) -> None:
    """Every number is what the tables add up to, for the first and for the second."""
    other = await send(client, "And again")
    shown = (await client.get(f"{HERE}/{run.run_id}/compare/{other.run_id}")).json()
    assert [side["id"] for side in shown["runs"]] == [run.run_id, other.run_id]
    assert [side["request"] for side in shown["runs"]] == ["Put my house in order", "And again"]
    for side in shown["runs"]:
        async with database.acting(Role.API, person.identity) as scope:
            added_up = await sums.of_run(scope, side["id"])
        assert (side["model_calls"], side["tool_calls"]) == (added_up.model_calls, added_up.tool_calls)
        assert (side["prompt_tokens"], side["completion_tokens"]) == (
            added_up.prompt_tokens,
            added_up.completion_tokens,
        )
    assert [step["same"] for step in shown["steps"]] == [True, True, True]
    assert [(tool["tool"], tool["calls"]) for tool in shown["tools"]] == [
        ("create_task", [1, 1]),
        ("list_tasks", [1, 1]),
        ("search_notes", [1, 1]),
    ]
    assert shown["answers"] == {"same": True, "lines": []}


async def test_what_is_somebody_elses_is_not_there(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, run: Streamed
) -> None:
    """Neither side of a comparison, and no file, may be another's."""
    theirs = await send(strangers_client, "Mine")
    for reader, path in (
        (strangers_client, f"{run.run_id}/export?as=html"),
        (strangers_client, f"{theirs.run_id}/compare/{run.run_id}"),
        (client, f"{theirs.run_id}/compare/{run.run_id}"),
        (client, f"{run.run_id}/compare/{uuid4()}"),
        (client, f"{uuid4()}/export"),
    ):
        assert refusal(await reader.get(f"{HERE}/{path}")) == (404, "not_found")
