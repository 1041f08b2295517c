"""Both clients against a real server: whatever happens to the connection, a run is followed to its end, once."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import JsonValue, TypeAdapter

from graph.turn import Engine
from nodes.vocabulary.events import EVENT, Done, FinishedReason, SessionOpened
from persistence.pools import Database
from persistence.queue import Queue
from persistence.runs.listing import Wanted
from persistence.runs.runs import RunStatus
from server.app import HttpServer, serving
from server.bodies import Ask, Decision, Fork
from server.client import calls
from server.client.clients import AsyncClient, Received
from server.client.errors import (
    ConnectionLost,
    NotFound,
    NotPermitted,
    NotUnderstood,
    Refused,
    SignInRefused,
    TooMany,
    Unreachable,
)
from server.client.sending import Approvals, Branch, Decided, Question, Route
from server.scopes import Scope
from server.tail import Hub
from server.tokens import issue_token
from server.wiring import Planwright
from server.worker import Worker
from tests.conftest import TEST_SECRET, Person
from tests.server.client.both import Awaiting, Blocking, Speaking
from tests.server.client.cutting import cutting
from tests.server.conftest import RHYTHM, TOKEN_KEY
from tests.server.reading import signed_in_client
from tests.server.scripted_turns import ScriptedTurns
from tests.server.terminal.scripted import scripted, streamed

COMPLEX = "Help me organize my project tasks for next week"
WRITES = Question("Create a task: Water the plants", approvals=Approvals.ASK)

Speaks = Callable[[str, str], Speaking]
both = pytest.mark.parametrize("speaks", [Awaiting, Blocking])


def seqs(stream: list[Received]) -> list[int]:
    """Give the numbers of events."""
    return [received.seq for received in stream]


def run_id_of(stream: list[Received]) -> UUID:
    """Give the run that a stream's first event names."""
    first = stream[0].event
    assert isinstance(first, SessionOpened)
    return first.run.id


def end_of(stream: list[Received]) -> Done:
    """Give the last event of a run that ended with an answer, or waits."""
    last = stream[-1].event
    assert isinstance(last, Done)
    return last


async def log_of(address: str, token: str, run_id: UUID) -> list[str]:
    """Give a run's log as the server has it, without any client of ours."""
    async with signed_in_client(address, token) as client:
        body = (await client.get(f"/api/agent/runs/{run_id}/events")).text
    return [frame.partition("data: ")[2] for frame in body.split("\n\n") if "data: " in frame]


async def runs_of(address: str, token: str) -> list[UUID]:
    """Give the ids of the person's runs."""
    return [run.id for run in (await Awaiting(address, token).call(calls.runs())).runs]


@both
async def test_a_run_is_followed_to_its_end(speaks: Speaks, address: str, token: str) -> None:
    """A message gives every event of its run's log, typed, in order and unchanged."""
    stream = await speaks(address, token).stream(COMPLEX)
    assert seqs(stream) == list(range(1, len(stream) + 1))
    assert [received.payload for received in stream] == await log_of(address, token, run_id_of(stream))
    assert all(EVENT.validate_json(received.payload) == received.event for received in stream)
    assert end_of(stream).finished_reason is FinishedReason.STOP


@both
@pytest.mark.usefixtures("at_once")
async def test_a_run_survives_a_break_at_every_event(speaks: Speaks, address: str, token: str) -> None:
    """A connection that brings one event each time gives the same run, one message, every event once."""
    async with cutting(address, lambda number: min(number, 1)) as way:
        stream = await speaks(way.address, token).stream(COMPLEX)
    assert [received.payload for received in stream] == await log_of(address, token, run_id_of(stream))
    assert await runs_of(address, token) == [run_id_of(stream)]
    assert way.requests[:2] == ["POST /api/agent/stream"] * 2  # the first brought nothing, not even which run it is
    assert set(way.requests[2:]) == {f"GET /api/agent/runs/{run_id_of(stream)}/events"}
    assert len(way.requests) > len(stream) > 20


@both
async def test_a_run_is_resumed_from_every_event(speaks: Speaks, address: str, token: str) -> None:
    """Behind any event the rest of the run is given, and behind the last one nothing."""
    speaking = speaks(address, token)
    whole = await speaking.stream("What is overdue?")
    for place in range(len(whole) + 1):
        assert await speaking.resume(run_id_of(whole), place) == whole[place:]


@both
@pytest.mark.usefixtures("at_once")
async def test_a_server_that_stops_is_followed_by_its_successor(
    speaks: Speaks, database: Database, engine: Engine, queue: Queue, admin_dsn: str, token: str
) -> None:
    """A server that is restarted in the middle of a run costs no event: its successor goes on with both."""
    script = ScriptedTurns(database, ["One, "], ["two."])
    worker = Worker(database, queue, script.turns(), Hub(), RHYTHM)
    worker.start()
    first = Planwright(database, engine, worker, Hub(), TOKEN_KEY, queue.name)
    async with serving(first) as server, cutting(server.address) as way:
        reading = asyncio.create_task(speaks(way.address, token).stream("Hello"))
        await script.at_the_gate.wait()
        successor = Worker(database, _same(queue, admin_dsn), script.turns(), hub := Hub(), RHYTHM)
        async with serving(Planwright(database, engine, successor, hub, TOKEN_KEY, queue.name)) as other:
            way.upstream = other.address
            server.should_exit = True
            script.go_on.set()
            successor.start()
            stream = await reading
            await successor.stop()
    assert [type(received.event).__name__ for received in stream] == ["SessionOpened", "TextSaid", "TextSaid", "Done"]
    assert {request.partition(" ")[0] for request in way.requests[1:]} == {"GET"}


def _same(queue: Queue, admin_dsn: str) -> Queue:
    return Queue(admin_dsn, TEST_SECRET, queue.name, successor=queue.name)


@both
async def test_a_decision_goes_on_behind_the_pause(speaks: Speaks, address: str, token: str) -> None:
    """A run that waits ends its stream with what it waits for; approved, with other arguments, it goes on."""
    speaking = speaks(address, token)
    waiting = await speaking.stream(WRITES)
    approval = end_of(waiting).approval
    assert approval is not None
    (call,) = approval.calls
    roses: dict[UUID, dict[str, JsonValue]] = {call.id: {**call.arguments, "title": "Water the roses"}}
    rest = await speaking.decide(run_id_of(waiting), Decided(approval.digest, approve=True, edited=roses))
    assert seqs(waiting + rest) == list(range(1, len(waiting + rest) + 1))
    assert end_of(rest).finished_reason is FinishedReason.STOP
    assert [task.title for task in (await speaking.call(calls.tasks())).items] == ["Water the roses"]


@both
@pytest.mark.usefixtures("at_once")
async def test_a_decision_survives_breaks(speaks: Speaks, address: str, token: str) -> None:
    """A decision whose answer got lost is the same decision: it is taken once, and its stream is whole."""
    waiting = await speaks(address, token).stream(WRITES)
    approval = end_of(waiting).approval
    assert approval is not None
    async with cutting(address, lambda number: min(number, 1)) as way:
        rest = await speaks(way.address, token).decide(run_id_of(waiting), Decided(approval.digest, approve=True))
    log = await log_of(address, token, run_id_of(waiting))
    assert [received.payload for received in waiting + rest] == log
    assert len((await speaks(address, token).call(calls.tasks())).items) == 1


@both
async def test_a_run_is_stopped(speaks: Speaks, address: str, token: str) -> None:
    """Cancelling a run that waits ends it; a second time there is nothing to stop."""
    speaking = speaks(address, token)
    run_id = run_id_of(await speaking.stream(WRITES))
    assert [await speaking.cancel(run_id), await speaking.cancel(run_id)] == [True, False]
    assert end_of(await speaking.resume(run_id)).finished_reason is FinishedReason.CANCELLED


@both
async def test_one_key_is_one_run(speaks: Speaks, address: str, token: str) -> None:
    """A message that is sent again under its key joins its run."""
    speaking = speaks(address, token)
    assert await speaking.stream("Hello", "monday-1") == await speaking.stream("Hello", "monday-1")
    assert len(await runs_of(address, token)) == 1


@both
async def test_what_is_stored_comes_as_the_servers_own_rows(speaks: Speaks, address: str, token: str) -> None:
    """A trace read by the client is the server's, field for field; so are lists, in pages and filtered."""
    speaking = speaks(address, token)
    run_id = run_id_of(await speaking.stream(COMPLEX))
    await speaking.stream("Hello")
    trace = await speaking.call(calls.trace(run_id))
    async with signed_in_client(address, token) as client:
        told = (await client.get(f"/api/agent/runs/{run_id}")).json()
    assert json.loads(TypeAdapter(type(trace)).dump_json(trace)) == told
    first = await speaking.call(calls.runs(limit=1))
    assert first.next is not None
    second = await speaking.call(calls.runs(limit=1, after=first.next))
    assert [[run.request for run in page.runs] for page in (first, second)] == [["Hello"], [COMPLEX]]
    wanted = Wanted(search="organize", statuses=[RunStatus.DONE, RunStatus.ERROR])
    assert [run.id for run in (await speaking.call(calls.runs(wanted))).runs] == [run_id]


@both
async def test_a_run_is_made_again_compared_and_undone(speaks: Speaks, address: str, token: str) -> None:
    """What can be done with a run's record answers with the server's own rows."""
    speaking = speaks(address, token)
    run_id = run_id_of(await speaking.stream("Create a task: Water the plants"))
    replay = await speaking.call(calls.replay(run_id))
    assert end_of(await speaking.resume(replay.run.id)).finished_reason is FinishedReason.STOP
    fork = await speaking.call(calls.fork(run_id, Branch(message="Hello")))
    assert end_of(await speaking.resume(fork.run.id)).finished_reason is FinishedReason.STOP
    comparison = await speaking.call(calls.compare(run_id, fork.run.id))
    assert comparison == await speaking.call(calls.compare(run_id, fork.run.id))
    assert len((await speaking.call(calls.bundle(run_id))).events) > 0
    undoing = await speaking.call(calls.undo(run_id))
    assert [call.tool for call in undoing.undone] == ["create_task"]
    assert (await speaking.call(calls.tasks())).items == []


@both
async def test_the_installation_is_looked_at(speaks: Speaks, address: str, person: Person, token: str) -> None:
    """Settings are for everybody, the examination for whoever administers the installation."""
    settings = await speaks(address, token).call(calls.settings())
    assert {model.offline for model in settings.models} == {True}
    with pytest.raises(NotPermitted):
        await speaks(address, token).call(calls.doctor())
    administrator = issue_token(TOKEN_KEY, person.id, 1, scopes=[Scope.ADMIN])
    assert (await speaks(address, administrator).call(calls.doctor())).checks


@both
async def test_sessions_are_read_changed_and_deleted(speaks: Speaks, address: str, token: str) -> None:
    """A session has its messages, takes another title, and is gone when it is deleted."""
    speaking = speaks(address, token)
    await speaking.stream("Hello")
    (listed,) = (await speaking.call(calls.sessions("hello"))).sessions
    read = await speaking.call(calls.session(listed.id))
    assert [message.role for message in read.messages] == ["user", "assistant"]
    assert (await speaking.call(calls.change_session(listed.id, title="Monday"))).title == "Monday"
    await speaking.call(calls.delete_session(listed.id))
    with pytest.raises(NotFound) as refusal:
        await speaking.call(calls.session(listed.id))
    assert refusal.value.code == "not_found"


@both
async def test_the_workspace_is_read(speaks: Speaks, address: str, token: str) -> None:
    """Lists of the workspace and the questions to begin with are there, empty where there is nothing."""
    speaking = speaks(address, token)
    empty = [
        (await speaking.call(calls.projects())).items,
        (await speaking.call(calls.notes("x"))).items,
        (await speaking.call(calls.brain_dumps())).items,
        (await speaking.call(calls.calendar())).items,
    ]
    assert empty == [[], [], [], []]
    assert len((await speaking.call(calls.examples())).examples) == 3


@both
async def test_a_token_that_is_none_is_refused(speaks: Speaks, address: str, token: str) -> None:
    """A wrong token, and one that may not do it, are two errors; nothing is tried again."""
    with pytest.raises(SignInRefused, match="valid bearer token") as refusal:
        await speaks(address, "wrong").stream("Hello")
    assert (refusal.value.status, refusal.value.code) == (401, "unauthorized")
    assert await runs_of(address, token) == []


@both
async def test_a_token_that_may_only_read_sends_nothing(
    speaks: Speaks, address: str, person: Person, token: str
) -> None:
    """What a token does not permit is an error of its own."""
    reads = issue_token(TOKEN_KEY, person.id, 1, scopes=[Scope.READ])
    with pytest.raises(NotPermitted):
        await speaks(address, reads).stream("Hello")
    assert (await speaks(address, reads).call(calls.runs())).runs == []


@both
async def test_a_full_minute_says_when_it_has_room(
    speaks: Speaks, address: str, token: str, planwright: Planwright, http_server: HttpServer
) -> None:
    """A limit is an error that says after how many seconds the same message is accepted."""
    limits = replace(planwright.engine.limits, requests_per_minute=1)
    http_server.api.state.planwright = replace(planwright, engine=replace(planwright.engine, limits=limits))
    await speaks(address, token).stream("Hello")
    with pytest.raises(TooMany) as refusal:
        await speaks(address, token).stream("Hello")
    assert refusal.value.code == "too_many_requests"
    assert refusal.value.retry_after_seconds is not None
    assert 0 < refusal.value.retry_after_seconds <= 60


@both
@pytest.mark.usefixtures("at_once")
async def test_a_server_that_is_not_ready_is_asked_again(
    speaks: Callable[..., Speaking], address: str, token: str, planwright: Planwright
) -> None:
    """A message that a draining server refuses is sent again until it is taken, once."""
    planwright.stopping.set()
    tries: list[int] = []

    def on_lost(number: int) -> None:
        tries.append(number)
        planwright.stopping.clear()

    stream = await speaks(address, token, on_lost).stream("Hello")
    assert tries == [1]
    assert await runs_of(address, token) == [run_id_of(stream)]


@both
@pytest.mark.usefixtures("at_once")
async def test_a_server_that_stays_away_is_told_with_the_way_back(speaks: Speaks, address: str, token: str) -> None:
    """After the last try the error has what to resume with, and resuming gives the rest."""
    async with cutting(address, lambda number: 0 if number else 2) as way:
        with pytest.raises(ConnectionLost) as lost:
            await speaks(way.address, token).stream("Hello")
    assert lost.value.run_id is not None
    rest = await speaks(address, token).resume(lost.value.run_id, lost.value.after)
    assert rest[0].seq == 3
    assert end_of(rest).finished_reason is FinishedReason.STOP


@both
async def test_nobody_at_the_address_is_told_at_once(speaks: Speaks, token: str) -> None:
    """A server that was never reached is not waited for, in a stream or out of one."""
    async with scripted() as server:
        pass
    with pytest.raises(Unreachable):
        await speaks(server.address, token).stream("Hello")
    with pytest.raises(Unreachable):
        await speaks(server.address, token).call(calls.runs())


@both
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", id="a page"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", id="a way to sign in"),
    ],
)
async def test_what_is_not_planwright_is_told(speaks: Speaks, answer: bytes) -> None:
    """An answer that is neither a stream nor a row is an error, never an empty run; a token follows no redirect."""
    async with scripted(answer, answer) as server:
        with pytest.raises(NotUnderstood):
            await speaks(server.address, "t").stream("Hello")
        with pytest.raises(NotUnderstood):
            await speaks(server.address, "t").call(calls.runs())


@both
async def test_a_refusal_that_is_no_json_has_no_code(speaks: Speaks) -> None:
    """A proxy's own error is told by its status."""
    async with scripted(b"HTTP/1.1 418 X\r\nContent-Length: 4\r\n\r\n<no>") as server:
        with pytest.raises(Refused, match="answered 418") as refusal:
            await speaks(server.address, "t").call(calls.runs())
    assert refusal.value.code == ""


@both
async def test_an_event_that_is_not_known_is_passed_on(speaks: Speaks) -> None:
    """An event of a type that this version does not know is given with its JSON, and harms nothing."""
    unknown = '{"type":"weather","sun":true}'
    done = '{"type":"done","usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},"finished_reason":"stop"}'
    async with scripted(streamed((1, unknown), (2, done))) as server:
        stream = await speaks(server.address, "t").stream("Hello")
    assert [(received.seq, received.payload) for received in stream] == [(1, unknown), (2, done)]
    assert stream[0].event is None


async def test_a_stream_that_is_left_leaves_the_run_going(address: str, token: str) -> None:
    """Who stops reading closes the connection, not the run."""
    async with AsyncClient(address, token) as client:
        stream = client.stream("What is overdue?")
        first = await anext(stream)
        await stream.aclose()
        rest = [received async for received in client.resume(run_id_of([first]), first.seq)]
    assert end_of(rest).finished_reason is FinishedReason.STOP


def test_what_is_sent_is_what_the_server_reads() -> None:
    """A question and a decision with everything in them are bodies that the server takes."""
    some = UUID(int=7)
    place = {"session_id": some, "context_type": "task", "entity_id": some}
    question = Question("Hi", some, "task", some, Approvals.AUTO, Route.PLAN)
    ask = Ask.model_validate(question.body())
    told = {"message": "Hi", "approvals": "auto", "route": "plan", **place}
    assert ask.model_dump(exclude={"history"}) == told
    assert Fork.model_validate(Branch(message="Hi", model="deep", live=True).body()).writes == "live"
    decided = Decided("0" * 64, approve=True, dropped=frozenset({some}), note="No.", edited={UUID(int=8): {"a": 1}})
    said = Decision.model_validate(decided.body())
    assert (said.decision, said.note, len(said.calls)) == ("approve", "No.", 2)


def test_importing_a_client_is_light() -> None:
    """A program that only follows runs loads no graph, no database and no web framework with it."""
    heavy = ("langgraph", "langchain_core", "psycopg", "procrastinate", "fastapi", "starlette", "typer")
    look = f"import sys, server.client.clients; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
