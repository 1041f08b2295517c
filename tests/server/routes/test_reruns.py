"""`/api/agent/runs/{id}/replay` and `/fork` over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from pydantic import JsonValue

from persistence.pools import Database
from persistence.queue import Queue
from server.app import HttpServer
from server.engine import turns_of
from server.tail import Hub
from server.wiring import Planwright
from server.worker import Worker
from tests.conftest import Person
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Reply, text
from tests.scripted_model.requests import ChatRequest
from tests.server.conftest import RHYTHM, TOKEN_KEY
from tests.server.exports.complex_runs import complex_script
from tests.server.reading import Streamed, refusal, send, started, streamed
from tests.turns import Desk, desk

HERE = "/api/agent/runs"
WAITING = "Wait for me"


@pytest.fixture
def gate() -> Gate:
    """Give what the model waits at before it answers one message."""
    return Gate()


@pytest.fixture
async def at(database: Database, person: Person, gate: Gate) -> AsyncIterator[Desk]:
    """Give a desk whose model plans."""
    planning, late = complex_script(), text("Late.").gated(gate)

    def script(request: ChatRequest) -> Reply:
        return late if request.last_text == WAITING else planning(request)

    async with desk(database, person, script) as opened:
        yield opened


@pytest.fixture
async def planwright(database: Database, at: Desk, queue: Queue) -> AsyncIterator[Planwright]:
    """Give a running program."""
    hub = Hub()
    worker = Worker(database, queue, turns_of(at.engine), hub, RHYTHM)
    worker.start()
    yield Planwright(database, at.engine, worker, hub, TOKEN_KEY, queue.name)
    await worker.stop()


@pytest.fixture
async def run(client: httpx.AsyncClient) -> Streamed:
    """Give a run that ended."""
    return await send(client, "Put my house in order")


async def followed(client: httpx.AsyncClient, answer: httpx.Response) -> Streamed:
    """Follow the run that was made, to its end."""
    assert answer.status_code == 202, answer.text
    return streamed(await client.get(f"{HERE}/{answer.json()['run']['id']}/events"))


async def test_a_replay_streams_like_any_run(client: httpx.AsyncClient, run: Streamed, at: Desk) -> None:
    """It is queued in a session of its own that says what it is, and a worker brings it to the same end."""
    asked = len(at.model.requests)
    answer = await client.post(f"{HERE}/{run.run_id}/replay")
    made = answer.json()["run"]
    assert (made["replay_of"], made["writes"], made["request"]) == (run.run_id, "recorded", "Put my house in order")
    again = await followed(client, answer)
    assert len(at.model.requests) == asked
    told = [sorted(kind for kind in each.types if kind != "text") for each in (again, run)]  # texts are cut by time
    assert told[0] == told[1]
    assert again.events[-1] == run.events[-1]
    assert again.events[0]["session"] != run.events[0]["session"]
    session = (await client.get("/api/agent/stream", params={"session_id": again.session_id})).json()
    assert session["session"]["title"] == "Replay: Put my house in order"
    assert [message["role"] for message in session["messages"]] == ["user", "assistant"]
    assert session["messages"][1]["content"] == "The plants are on your list."


async def test_what_a_client_claimed_was_said_goes_along(client: httpx.AsyncClient) -> None:
    """A quoted history stands before the request in a replay too, so that everything is at its place."""
    history: JsonValue = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello to you."}]
    run = await send(client, "Put my house in order", conversationHistory=history)
    again = await followed(client, await client.post(f"{HERE}/{run.run_id}/replay"))
    assert again.events[-1] == run.events[-1]


async def test_a_fork_streams_like_any_run(client: httpx.AsyncClient, run: Streamed) -> None:
    """From a step on, dry unless it says otherwise."""
    answer = await client.post(f"{HERE}/{run.run_id}/fork", json={"from_step": 3})
    made = answer.json()["run"]
    assert (made["replay_of"], made["from_step"], made["writes"]) == (run.run_id, 3, "dry")
    other = await followed(client, answer)
    trace = (await client.get(f"{HERE}/{made['id']}")).json()
    assert other.types[-1] == "done"
    assert [call["state"] for call in trace["tool_calls"] if call["tool"] == "create_task"] == ["dry"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({"from_step": 3, "message": "x"}, 422, "invalid_field", id="two beginnings"),
        pytest.param({"step_words": "x"}, 422, "invalid_field", id="words for no step"),
        pytest.param({"from_step": 3, "step_words": " "}, 422, "message_empty", id="a step that says nothing"),
        pytest.param({"from_step": 3, "step_words": "x" * 4001}, 422, "invalid_field", id="a step of a book's length"),
        pytest.param({"from_step": 0}, 422, "invalid_field", id="no step"),
        pytest.param({"from_step": 3.5}, 422, "invalid_field", id="half a step"),
        pytest.param({"from_step": 99}, 422, "unknown_step", id="a step there is not"),
        pytest.param({"message": " "}, 422, "message_empty", id="a message that says nothing"),
        pytest.param({"message": "x" * 20_000}, 422, "message_too_long", id="a message that is too long"),
        pytest.param({"model": "nobody"}, 422, "unknown_model", id="a model there is not"),
        pytest.param({"writes": "wet"}, 422, "invalid_field", id="no kind of writes"),
        pytest.param({"writes": "recorded"}, 422, "invalid_field", id="a replay in disguise"),
        pytest.param({"replay_of": str(uuid4())}, 422, "unknown_field", id="an unknown field"),
    ],
)
async def test_a_fork_that_cannot_be_is_refused(
    client: httpx.AsyncClient, run: Streamed, body: dict[str, JsonValue], status: int, code: str
) -> None:
    """Refused, it leaves no run behind."""
    assert refusal(await client.post(f"{HERE}/{run.run_id}/fork", json=body)) == (status, code)
    assert len((await client.get(HERE)).json()["runs"]) == 1


async def test_a_run_at_work_is_made_nothing_from(client: httpx.AsyncClient, gate: Gate) -> None:
    """What has not ended has no whole record."""
    run_id, _ = await started(client, message=WAITING)
    await gate.reached()
    for path in ("replay", "fork"):
        answer = await client.post(f"{HERE}/{run_id}/{path}", json={"writes": "dry"})
        assert refusal(answer) == (409, "run_not_finished")
    gate.open()
    assert streamed(await client.get(f"{HERE}/{run_id}/events")).types[-1] == "done"


async def test_somebody_elses_run_is_not_there(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, run: Streamed
) -> None:
    """Neither replay nor fork tells another's run from none."""
    for path in ("replay", "fork"):
        theirs = await strangers_client.post(f"{HERE}/{run.run_id}/{path}", json={"writes": "live"})
        nobodys = await strangers_client.post(f"{HERE}/{uuid4()}/{path}", json={"writes": "live"})
        assert refusal(theirs) == refusal(nobodys) == (404, "not_found")


async def test_making_runs_is_limited_like_messages(
    client: httpx.AsyncClient, run: Streamed, planwright: Planwright, http_server: HttpServer
) -> None:
    """A replay costs no tokens, and counts as a message."""
    limits = replace(planwright.engine.limits, requests_per_minute=2)
    http_server.api.state.planwright = replace(planwright, engine=replace(planwright.engine, limits=limits))
    await followed(client, await client.post(f"{HERE}/{run.run_id}/replay"))
    assert refusal(await client.post(f"{HERE}/{run.run_id}/replay")) == (429, "too_many_requests")
