"""Streams across processes and over real sockets: left, taken up elsewhere, not read at all."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from time import monotonic
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import psycopg
import pytest

from graph.turn import Engine
from nodes.vocabulary.events import TextSaid
from nodes.vocabulary.log import EventLog
from persistence.news import CHANNEL, exchanged
from persistence.pools import Database
from persistence.queue import Queue
from persistence.runs import runs
from persistence.runs.events import LoggedEvent
from persistence.runs.runs import RunStatus
from persistence.scope import DISPATCH, Identity, Role, login
from server import sse
from server import tail as tail_module
from server.accept import accept
from server.app import HttpServer, serving
from server.bodies import Ask
from server.tail import Hub, tail
from server.tokens import issue_token
from server.wiring import Planwright
from server.worker import Worker
from tests.conftest import TEST_SECRET, Person
from tests.server.conftest import RHYTHM, TOKEN_KEY
from tests.server.reading import STREAM, refusal, send, signed_in_client, started, streamed, until
from tests.server.scripted_turns import DONE, ScriptedTurns

FAR_AWAY_SECONDS = 1_000.0  # a poll that no test waits for: what is seen was told
EVENT_CHARS = 30_000


@asynccontextmanager
async def process_of(admin_dsn: str) -> AsyncGenerator[Hub]:
    """Give the hub of one process on the suite's database, once it listens."""
    hub, listening = Hub(), asyncio.Event()

    def missed() -> None:
        listening.set()
        hub.missed()

    async with exchanged(login(admin_dsn, DISPATCH, TEST_SECRET), hub.heard, missed) as hub.pass_on:
        await listening.wait()
        yield hub


@asynccontextmanager
async def served_by_another(
    database: Database, engine: Engine, script: ScriptedTurns, queue: Queue
) -> AsyncGenerator[HttpServer]:
    """Start a second server on the database, which works on nothing."""
    hub = Hub()
    idle = Worker(database, queue, script.turns(), hub, RHYTHM)
    async with serving(Planwright(database, engine, idle, hub, TOKEN_KEY, queue.name)) as server:
        yield server


async def long_run(database: Database, person: Person, events: int) -> UUID:
    """Store a finished run whose log is `events` large texts between its first and its last event."""
    accepted = await accept(database, person.id, Ask(message="Hello"))
    async with database.acting(Role.WORKER, person.identity) as scope:
        run = await runs.claim(scope, accepted.run.id, 0, 0)
    assert run is not None
    said = [(str(number), TextSaid(content="x" * EVENT_CHARS)) for number in range(events)]
    async with database.acting(Role.WORKER, Identity(person.id, run.id, run.attempt)) as scope:
        EventLog(lambda _events: None).emit(scope, *said, ("end", DONE))
        runs.finish(scope, run.id, RunStatus.DONE, reason="stop")
    return run.id


async def test_an_event_is_seen_in_another_process_at_once(
    database: Database, person: Person, admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of one process sees what another commits because it was told, long before it would look by itself."""
    monkeypatch.setattr(tail_module, "POLL_SECONDS", FAR_AWAY_SECONDS)
    turns = ScriptedTurns(database, ["a"], ["b"])
    accepted = await accept(database, person.id, Ask(message="Hello"))
    async with database.acting(Role.WORKER, person.identity) as scope:
        run = await runs.claim(scope, accepted.run.id, 0, 0)
    assert run is not None
    async with process_of(admin_dsn) as writing, process_of(admin_dsn) as reading:
        told = tail(database, person.id, run.id, 1, reading)
        first = asyncio.ensure_future(anext(told))
        await until(lambda: _readers(reading, 1))
        identity = Identity(person.id, run.id, run.attempt)
        working = asyncio.create_task(turns.run(identity, partial(writing.told, run.id)))
        seen = await first
        turns.go_on.set()
        rest = [event async for event in told]
        await working
    assert isinstance(seen, LoggedEvent)
    assert [event.type for event in [seen, *rest] if isinstance(event, LoggedEvent)] == ["text", "text", "done"]


async def test_news_that_was_missed_is_made_up_for(
    database: Database, person: Person, admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed while the connection of a process was gone is seen when it is back."""
    monkeypatch.setattr(tail_module, "POLL_SECONDS", FAR_AWAY_SECONDS)
    run_id = (await accept(database, person.id, Ask(message="Hello"))).run.id
    async with process_of(admin_dsn) as reading:
        told = tail(database, person.id, run_id, 1, reading)
        first = asyncio.ensure_future(anext(told))
        await until(lambda: _readers(reading, 1))
        async with database.acting(Role.WORKER, person.identity) as scope:
            run = await runs.claim(scope, run_id, 0, 0)
        assert run is not None
        async with database.acting(Role.WORKER, Identity(person.id, run.id, run.attempt)) as scope:
            EventLog(lambda _events: None).emit(scope, ("a", TextSaid(content="a")))
        with psycopg.connect(admin_dsn, autocommit=True) as administrator:
            administrator.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = %s and datname = current_database()",
                (CHANNEL,),
            )
        assert isinstance(await first, LoggedEvent)
        await told.aclose()


async def _readers(hub: Hub, many: int) -> bool:
    return len(hub) == many and len(hub.looks) == 0


async def test_every_server_gives_the_same_bytes(
    client: httpx.AsyncClient,
    person: Person,
    database: Database,
    engine: Engine,
    script: ScriptedTurns,
    queue: Queue,
) -> None:
    """From every event, the rest of a run is byte for byte the same on the server that worked on it and on another."""
    script.after = [f"word {number} " for number in range(40)]
    answer = await send(client)
    frames = answer.body.split(b"\n\n")[:-1]
    async with (
        served_by_another(database, engine, script, queue) as other,
        signed_in_client(other.address, issue_token(TOKEN_KEY, person.id, 1)) as elsewhere,
    ):
        for seq in range(len(frames) + 1):
            headers = {"Last-Event-ID": str(seq)}
            rest = await elsewhere.get(f"/api/agent/runs/{answer.run_id}/events", headers=headers)
            assert rest.content == b"".join(frame + b"\n\n" for frame in frames[seq:])


async def test_a_stopping_server_sends_its_readers_elsewhere(
    person: Person, database: Database, engine: Engine, script: ScriptedTurns, queue: Queue, admin_dsn: str
) -> None:
    """An open stream ends with `retry:` and without `done`; another server goes on behind the last event."""
    script.go_on.clear()
    worker = Worker(database, queue, script.turns(), hub := Hub(), RHYTHM)
    worker.start()
    token = issue_token(TOKEN_KEY, person.id, 1)
    async with served_by_another(database, engine, script, queue) as other:
        async with (
            serving(Planwright(database, engine, worker, hub, TOKEN_KEY, queue.name)) as server,
            signed_in_client(server.address, token) as client,
        ):
            run_id, _ = await started(client)
            await script.at_the_gate.wait()
            reading = asyncio.create_task(client.get(f"/api/agent/runs/{run_id}/events"))
            await until(lambda: _readers(hub, 1))
            server.should_exit = True
            body = (await reading).text
        *events, last = body.removesuffix("\n\n").split("\n\n")
        assert [event.partition("\n")[0] for event in events] == ["id: 1", "id: 2"]
        assert 500 <= int(last.removeprefix("retry: ")) < 3_000
        script.go_on.set()
        same_queue = Queue(admin_dsn, TEST_SECRET, queue.name, successor=queue.name)
        successor = Worker(database, same_queue, script.turns(), Hub(), RHYTHM)
        successor.start()
        async with signed_in_client(other.address, token) as client:
            rest = streamed(await client.get(f"/api/agent/runs/{run_id}/events", headers={"Last-Event-ID": "2"}))
        await successor.stop()
    assert rest.types == ["text", "done"]


async def test_a_repeated_post_attaches_to_the_run_at_work(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """A post with the key of a running run and the last event it had gets what follows, then what comes."""
    script.go_on.clear()
    headers = {"Idempotency-Key": "once"}
    first = asyncio.create_task(client.post(STREAM, json={"message": "Hello"}, headers=headers))
    await script.at_the_gate.wait()
    headers |= {"Last-Event-ID": "1"}
    second = asyncio.create_task(client.post(STREAM, json={"message": "Hello"}, headers=headers))
    script.go_on.set()
    assert streamed(await first).types == ["session", "text", "text", "done"]
    assert streamed(await second).types == ["text", "text", "done"]


@pytest.mark.parametrize("cursor", ["-1", "1.5", "1e9", "abc", "9" * 10_000])
async def test_a_post_with_a_bad_cursor_stores_nothing(client: httpx.AsyncClient, cursor: str) -> None:
    """The cursor of a post is looked at before the message is taken."""
    response = await client.post(STREAM, json={"message": "Hello"}, headers={"Last-Event-ID": cursor})
    assert refusal(response) == (400, "bad_cursor")
    assert (await client.get(STREAM)).json() == {"sessions": []}


async def test_a_log_that_is_gone_points_to_the_messages(
    client: httpx.AsyncClient, database: Database, person: Person
) -> None:
    """After retention every valid cursor is 410, by post too; the link shows what was said."""
    headers = {"Idempotency-Key": "once"}
    answer = streamed(await client.post(STREAM, json={"message": "Hello"}, headers=headers))
    async with database.acting(Role.API, person.identity) as scope:
        await scope.execute("update runs set events_expired_at = now() where id = %s", (answer.run_id,))
    here = f"/api/agent/runs/{answer.run_id}/events"
    gone = [await client.get(here, params={"after": cursor}) for cursor in ("", 0, 1, 4)]
    gone.append(await client.post(STREAM, json={"message": "Hello"}, headers=headers))
    assert [refusal(response) for response in gone] == [(410, "events_expired")] * 5
    assert refusal(await client.get(here, params={"after": 5})) == (400, "bad_cursor")
    linked = await client.get(gone[0].links["alternate"]["url"])
    assert [message["content"] for message in linked.json()["messages"]] == ["Hello"]


@contextmanager
def unread(address: str, token: str, run_id: UUID) -> Generator[socket.socket]:
    """Ask for a run's events over a connection that takes little and is not read."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = urlsplit(address)
        connection.connect((url.hostname, url.port))
        request = f"GET /api/agent/runs/{run_id}/events HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {token}"
        connection.sendall(f"{request}\r\n\r\n".encode())
        connection.setblocking(False)  # noqa: FBT003 - the standard library's
        yield connection


@pytest.fixture
def administrator(admin_dsn: str) -> Generator[psycopg.Connection]:
    """Give a connection that sees what every other connection of the suite's database does."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        yield connection


async def test_a_frozen_reader_is_let_go_and_harms_nobody(
    client: httpx.AsyncClient,
    database: Database,
    person: Person,
    planwright: Planwright,
    administrator: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader that takes nothing holds no connection of the database, and is gone when its time is up."""
    monkeypatch.setattr(sse, "SEND_TIMEOUT_SECONDS", 0.5)
    run_id = await long_run(database, person, 300)
    with unread(str(client.base_url), issue_token(TOKEN_KEY, person.id, 1), run_id):

        async def frozen() -> bool:
            return await _readers(planwright.hub, 1) and _busy_connections(administrator) == 0

        await until(frozen)
        assert len(streamed(await client.get(f"/api/agent/runs/{run_id}/events")).events) == 302
        await until(lambda: _readers(planwright.hub, 0))


def _busy_connections(administrator: psycopg.Connection) -> int:
    row = administrator.execute(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and usename = 'planwright_api' and state <> 'idle'"
    ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_slow_reader_is_served_as_fast_as_it_reads(
    client: httpx.AsyncClient, database: Database, person: Person, planwright: Planwright
) -> None:
    """One that reads byte by byte keeps its stream, and the server fetches no more of the log than it can send."""
    run_id = await long_run(database, person, 300)
    with unread(str(client.base_url), issue_token(TOKEN_KEY, person.id, 1), run_id) as connection:
        await until(lambda: _readers(planwright.hub, 1))
        loop = asyncio.get_running_loop()
        head = b"".join([await loop.sock_recv(connection, 1) for _ in range(15)])
        assert head == b"HTTP/1.1 200 OK"
        assert await _readers(planwright.hub, 1)
    await until(lambda: _readers(planwright.hub, 0))


async def test_a_closed_tab_is_noticed_within_a_second(
    client: httpx.AsyncClient, planwright: Planwright, script: ScriptedTurns
) -> None:
    """A stream that waits for the next event is gone at once when its client is; the run goes on."""
    script.go_on.clear()
    await started(client)
    left = monotonic()
    await until(lambda: _readers(planwright.hub, 0))
    assert monotonic() - left < 1.0
