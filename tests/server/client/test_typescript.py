"""The TypeScript client, in Node, against a real server."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from server.app import HttpServer
from server.wiring import Planwright
from tests.conftest import Person
from tests.docs.event_types import FILE, event_types
from tests.server.client.cutting import cutting
from tests.server.client.node import NODE, WITHOUT_NODE
from tests.server.client.test_clients import COMPLEX, log_of, runs_of
from tests.server.reading import signed_in_client
from tests.server.terminal.scripted import scripted

DRIVER = Path(__file__).with_name("driver.mjs")
AT_ONCE = [0] * 6
ASKS = {"message": "Create a task: Water the plants", "approvals": "ask"}

Line = dict[str, Any]


pytestmark = WITHOUT_NODE


async def told(address: str, token: str, call: str, *given: object, **more: object) -> list[Line]:
    """Have the driver do something; give what it printed."""
    order = json.dumps({"call": call, "with": given, **more})
    process = await asyncio.create_subprocess_exec(
        NODE, DRIVER, address, token, order, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.decode().splitlines()]


def events(lines: list[Line]) -> list[Line]:
    """Give the events among what the driver printed."""
    return [line["event"] for line in lines if "event" in line]


def run_id_of(lines: list[Line]) -> str:
    """Give the run that the first event names."""
    return str(events(lines)[0]["run"]["id"])


def test_the_types_are_those_of_the_events() -> None:
    """The generated file is what the events are now; `make docs` writes it anew."""
    assert FILE.read_text() == event_types()


async def test_a_run_is_followed_to_its_end(address: str, token: str) -> None:
    """A message gives every event of its run's log, in order and unchanged."""
    lines = await told(address, token, "stream", {"message": COMPLEX})
    log = await log_of(address, token, UUID(run_id_of(lines)))
    assert events(lines) == [json.loads(line) for line in log]
    assert [line["seq"] for line in lines] == list(range(1, len(log) + 1))


async def test_a_run_survives_a_break_at_every_event(address: str, token: str) -> None:
    """A connection that brings one event each time gives the same run, one message, every event once."""
    async with cutting(address, lambda number: min(number, 1)) as way:
        lines = await told(way.address, token, "stream", {"message": COMPLEX}, pauses=AT_ONCE)
    log = await log_of(address, token, UUID(run_id_of(lines)))
    assert events(lines) == [json.loads(line) for line in log]
    assert [str(run_id) for run_id in await runs_of(address, token)] == [run_id_of(lines)]
    assert way.requests[:2] == ["POST /api/agent/stream"] * 2
    assert len([line for line in lines if "lost" in line]) >= len(log) > 20


async def test_a_run_is_resumed_behind_an_event(address: str, token: str) -> None:
    """Behind any event the rest is given, behind the last one nothing."""
    whole = await told(address, token, "stream", {"message": "Hello"})
    for place in (0, 2, len(whole)):
        assert await told(address, token, "resume", run_id_of(whole), place) == whole[place:]


async def test_a_decision_goes_on_behind_the_pause(address: str, token: str) -> None:
    """A run that waits ends its stream with what it waits for; a decision whose answer gets lost is taken once."""
    waiting = await told(address, token, "stream", ASKS)
    approval = events(waiting)[-1]["approval"]
    said = {"digest": approval["digest"], "decision": "approve"}
    async with cutting(address, lambda number: min(number, 1)) as way:
        rest = await told(way.address, token, "decide", run_id_of(waiting), said, pauses=AT_ONCE)
    log = await log_of(address, token, UUID(run_id_of(waiting)))
    assert events(waiting + rest) == [json.loads(line) for line in log]
    (answer,) = await told(address, token, "read", "/api/workspace/tasks?search=plants")
    assert [task["title"] for task in answer["answer"]["items"]] == ["Water the plants"]


async def test_a_run_is_stopped(address: str, token: str) -> None:
    """Cancelling a run that waits ends it; a second time there is nothing to stop."""
    run_id = run_id_of(await told(address, token, "stream", ASKS))
    stops = [await told(address, token, "cancel", run_id) for _ in range(2)]
    assert stops == [[{"answer": True}], [{"answer": False}]]


async def test_a_stream_that_is_left_leaves_the_run_going(address: str, token: str) -> None:
    """Who stops reading closes the connection, so that the program ends, and the run goes on."""
    (first,) = await told(address, token, "stream", {"message": "Hello"}, leaves=True)
    rest = await told(address, token, "resume", run_id_of([first]), 1)
    assert events(rest)[-1]["finished_reason"] == "stop"


async def test_a_refusal_is_an_error_with_its_code(
    address: str, token: str, person: Person, planwright: Planwright, http_server: HttpServer
) -> None:
    """A wrong token and a full minute say so, the latter with when there is room."""
    (wrong,) = await told(address, "wrong", "stream", {"message": "Hello"})
    assert (wrong["raised"], wrong["status"], wrong["code"]) == ("Refused", 401, "unauthorized")
    limits = replace(planwright.engine.limits, requests_per_minute=1)
    http_server.api.state.planwright = replace(planwright, engine=replace(planwright.engine, limits=limits))
    await told(address, token, "stream", {"message": "Hello"})
    (full,) = await told(address, token, "stream", {"message": "Hello"})
    assert (full["status"], full["code"]) == (429, "too_many_requests")
    assert 0 < full["again"] <= 60


async def test_a_server_that_stays_away_is_told_with_the_way_back(address: str, token: str) -> None:
    """After the last try the error has what to resume with; a server that was never there is not waited for."""
    async with cutting(address, lambda number: 0 if number else 2) as way:
        lines = await told(way.address, token, "stream", {"message": "Hello"}, pauses=AT_ONCE)
    lost = lines[-1]
    assert (lost["raised"], lost["runId"], lost["after"]) == ("ConnectionLost", run_id_of(lines), 2)
    async with signed_in_client(address, token) as client:
        assert (await client.get(f"/api/agent/runs/{lost['runId']}/events?after=2")).is_success
    (nobody,) = await told(way.address, token, "stream", {"message": "Hello"})
    assert nobody["raised"] == "Unreachable"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", id="a page"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", id="a way to sign in"),
    ],
)
async def test_what_is_not_planwright_is_told(answer: bytes) -> None:
    """An answer that is no stream is an error, never an empty run; a token follows no redirect."""
    async with scripted(answer) as server:
        (line,) = await told(server.address, "t", "stream", {"message": "Hello"})
    assert line["raised"] == "NotUnderstood"
    assert len(server.requests) == 1
