"""`/api/agent/runs/{id}/decision` over HTTP."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
from pydantic import JsonValue

from persistence.pools import Database
from persistence.queue import Queue
from persistence.runs import overdue
from server.engine import turns_of
from server.tail import Hub
from server.wiring import Planwright
from server.worker import Worker
from tests.conftest import Person
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import rules, when
from tests.server.conftest import RHYTHM, TOKEN_KEY
from tests.server.reading import STREAM, Streamed, ended, refusal, send, streamed
from tests.turns import desk

HERE = "/api/agent/runs"
BOTH = tools(call("create_task", {"title": "Water the plants"}), call("create_note", {"content": "x"}))
SCRIPT = rules(when(text("Nothing more."), last_role="tool"), when(BOTH))
AN_INSTANT_HOURS = 1e-7
Body = dict[str, JsonValue]


@pytest.fixture
async def planwright(
    database: Database, person: Person, queue: Queue, request: pytest.FixtureRequest
) -> AsyncIterator[Planwright]:
    """Give a running program whose model wants to write a task and a note."""
    hub = Hub()
    async with desk(database, person, SCRIPT) as at:
        engine = replace(at.engine, approval_hours=getattr(request, "param", 1.0))
        worker = Worker(database, queue, turns_of(engine), hub, RHYTHM)
        worker.start()
        yield Planwright(database, engine, worker, hub, TOKEN_KEY, queue.name)
        await worker.stop()


@pytest.fixture
async def waiting(client: httpx.AsyncClient) -> Streamed:
    """Give a run that waits for its person."""
    return await send(client, "Remember the plants", approvals="ask")


def approval_of(stream: Streamed) -> Body:
    """Return what a run waits for."""
    approval = stream.events[-1]["approval"]
    assert isinstance(approval, dict)
    return approval


def body_of(stream: Streamed, decision: str = "approve", **more: JsonValue) -> Body:
    """Return a decision on what a run waits for."""
    return {"digest": approval_of(stream)["digest"], "decision": decision, **more}


def call_ids(stream: Streamed) -> list[str]:
    """Return the ids of the calls that a run waits with."""
    calls = approval_of(stream)["calls"]
    assert isinstance(calls, list)
    return [str(shown["id"]) for shown in calls if isinstance(shown, dict)]


async def decide(client: httpx.AsyncClient, stream: Streamed, body: Body) -> httpx.Response:
    """Decide on a run."""
    return await client.post(f"{HERE}/{stream.run_id}/decision", json=body)


async def test_the_stream_goes_on_behind_the_pause(client: httpx.AsyncClient, waiting: Streamed) -> None:
    """The answer to a decision is the rest of the same log, byte for byte, to its end."""
    answer = await decide(client, waiting, body_of(waiting))
    assert streamed(answer).types == ["tool_result", "tool_result", "text", "done"]
    whole = await client.get(f"{HERE}/{waiting.run_id}/events")
    assert whole.content == waiting.body + answer.content


async def test_a_trace_shows_what_was_asked_and_said(client: httpx.AsyncClient, waiting: Streamed) -> None:
    """The trace has each approval with its calls, their verdicts and the note."""
    first, second = call_ids(waiting)
    edit: JsonValue = {first: {"arguments": {"title": "Water the roses"}}, second: {"drop": True}}
    await decide(client, waiting, body_of(waiting, calls=edit, note="Roses."))
    trace = (await client.get(f"{HERE}/{waiting.run_id}")).json()
    (asked,) = trace["approvals"]
    assert (asked["approval"]["status"], asked["approval"]["note"]) == ("approved", "Roses.")
    assert [(shown["verdict"], shown["edited_arguments"]) for shown in asked["calls"]] == [
        ("edited", '{"title":"Water the roses"}'),
        ("dropped", None),
    ]
    assert [made["state"] for made in trace["tool_calls"]] == ["applied", "denied"]


async def test_the_same_decision_twice_is_answered_alike(client: httpx.AsyncClient, waiting: Streamed) -> None:
    """Whoever sends a decision again, since its answer got lost, gets the same stream and changes nothing."""
    first = await decide(client, waiting, body_of(waiting, "deny", note="No."))
    second = await decide(client, waiting, body_of(waiting, "deny", note="No."))
    assert first.content == second.content
    assert streamed(first).types[-1] == "done"


@pytest.mark.figure
async def test_of_twenty_decisions_at_once_one_wins(
    client: httpx.AsyncClient, waiting: Streamed, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of simultaneous different decisions exactly one is taken; every other is told so."""
    bodies = [body_of(waiting, "approve" if number % 2 else "deny", note=f"{number}") for number in range(20)]
    answers = await asyncio.gather(*(decide(client, waiting, body) for body in bodies))
    codes = Counter(answer.status_code for answer in answers)
    with capsys.disabled():
        print(f"20 different decisions at once: {codes[200]} taken, {codes[409]} refused")
    assert codes == {200: 1, 409: 19}
    assert {refusal(answer) for answer in answers if answer.is_error} == {(409, "already_decided")}
    note = next(body["note"] for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200)
    trace = (await client.get(f"{HERE}/{waiting.run_id}")).json()
    assert trace["approvals"][0]["approval"]["note"] == note


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        pytest.param({"digest": "0" * 64}, 409, "digest_mismatch", id="on other calls"),
        pytest.param({"digest": "short"}, 422, "invalid_field", id="a digest that is none"),
        pytest.param({"decision": "maybe"}, 422, "invalid_field", id="no decision"),
        pytest.param({"calls": {str(uuid4()): {"drop": True}}}, 422, "unknown_call", id="a call there is not"),
        pytest.param({"calls": {"1": {"drop": True}}}, 422, "invalid_field", id="a call without an id"),
        pytest.param({"surprise": 1}, 422, "unknown_field", id="an unknown field"),
        pytest.param({"note": "a" * 1001}, 422, "invalid_field", id="a note that is too long"),
    ],
)
async def test_a_decision_that_does_not_fit_is_refused(
    client: httpx.AsyncClient, waiting: Streamed, changes: Body, status: int, code: str
) -> None:
    """Refused, a decision changes nothing: the run waits on, and takes one that fits."""
    assert refusal(await decide(client, waiting, body_of(waiting) | changes)) == (status, code)
    assert streamed(await decide(client, waiting, body_of(waiting))).types[-1] == "done"


@pytest.mark.parametrize("wrong", [{"owner": "Eva"}, {"title": 7}, {}, {"title": "a" * 40_000}])
async def test_edited_arguments_are_checked_before_they_are_taken(
    client: httpx.AsyncClient, waiting: Streamed, wrong: Body
) -> None:
    """Arguments that the tool does not take are refused, saying of which call, and without an echo."""
    answer = await decide(client, waiting, body_of(waiting, calls={call_ids(waiting)[0]: {"arguments": wrong}}))
    assert refusal(answer) == (422, "arguments_refused")
    assert answer.json()["error"] == "The arguments of call 1 are not what create_task takes."
    assert (await client.get(f"{HERE}/{waiting.run_id}")).json()["run"]["status"] == "waiting"


async def test_to_deny_is_to_deny_all(client: httpx.AsyncClient, waiting: Streamed) -> None:
    """A denial that changes single calls contradicts itself."""
    answer = await decide(client, waiting, body_of(waiting, "deny", calls={call_ids(waiting)[0]: {"drop": True}}))
    assert refusal(answer) == (422, "invalid_field")


async def test_nobody_decides_for_another(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, waiting: Streamed
) -> None:
    """Someone else's run is not there, exactly as one that does not exist."""
    theirs = await decide(strangers_client, waiting, body_of(waiting))
    nobodys = await client.post(f"{HERE}/{uuid4()}/decision", json=body_of(waiting))
    assert refusal(theirs) == refusal(nobodys) == (404, "not_found")
    assert theirs.content == nobodys.content


async def test_a_run_that_does_not_wait_takes_no_decision(client: httpx.AsyncClient, waiting: Streamed) -> None:
    """After a cancel, or without anything to decide, a decision comes too late."""
    await client.post(f"{HERE}/{waiting.run_id}/cancel")
    assert refusal(await decide(client, waiting, body_of(waiting))) == (409, "not_waiting")


@pytest.mark.parametrize("planwright", [AN_INSTANT_HOURS], indirect=True)
async def test_a_run_nobody_decided_on_ends(
    client: httpx.AsyncClient, database: Database, person: Person, waiting: Streamed
) -> None:
    """Once its time is over, a decision is refused, and the run ends as cancelled with nothing done."""
    assert refusal(await decide(client, waiting, body_of(waiting))) == (410, "approval_expired")
    assert str(waiting.run_id) in {str(run_id) for run_id in await overdue.expire_due(database)}
    assert (await ended(database, person, waiting.run_id)).status == "cancelled"
    assert refusal(await decide(client, waiting, body_of(waiting))) == (410, "approval_expired")
    whole = streamed(await client.get(f"{HERE}/{waiting.run_id}/events"))
    assert [event["finished_reason"] for event in whole.events if event["type"] == "done"] == [
        "approval_required",
        "cancelled",
    ]


async def test_a_session_asks_as_it_is_told(client: httpx.AsyncClient) -> None:
    """A session writes at once unless it is opened, or changed, to ask; its row says which."""
    first = streamed(await client.post(STREAM, json={"message": "Remember the plants"}))
    assert first.events[-1]["finished_reason"] == "stop"
    changed = await client.patch(f"/api/agent/sessions/{first.session_id}", json={"approvals": "ask"})
    assert (changed.json()["approvals"], changed.json()["title"]) == ("ask", "Remember the plants")
    again = streamed(await client.post(STREAM, json={"message": "And again", "session_id": first.session_id}))
    assert again.events[-1]["finished_reason"] == "approval_required"
