"""Following a log."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, aclosing
from functools import partial
from uuid import UUID, uuid4

import psycopg
import pytest

from nodes.vocabulary.events import Done, FinishedReason, TextSaid
from nodes.vocabulary.log import EventLog
from persistence.errors import DatabaseUnavailable
from persistence.pools import Database
from persistence.record import sessions
from persistence.runs import events, runs
from persistence.runs.events import LoggedEvent, Reading
from persistence.runs.runs import RunStatus
from persistence.scope import Identity, Role, Scope
from server import tail as tail_module
from server.accept import accept
from server.bodies import Ask
from server.tail import ComeBack, Heartbeat, Hub, Told, tail
from tests.conftest import Person
from tests.server.reading import until
from tests.server.scripted_turns import NO_USAGE, ScriptedTurns

NO_JOB = 0
READERS = 50


async def claimed(database: Database, person: Person) -> Identity:
    """Accept a message and take its run, as a worker does."""
    accepted = await accept(database, person.id, Ask(message="Hello"))
    async with database.acting(Role.WORKER, person.identity) as scope:
        run = await runs.claim(scope, accepted.run.id, accepted.run.attempt, NO_JOB)
    assert run is not None
    return Identity(person.id, run.id, run.attempt)


def run_id_of(identity: Identity) -> UUID:
    """Return the run of a worker's identity."""
    assert identity.run_id is not None
    return identity.run_id


async def all_of(told: AsyncGenerator[Told]) -> list[Told]:
    """Read a tail to its end."""
    async with aclosing(told):
        return [event async for event in told]


async def written(told: AsyncGenerator[Told]) -> list[int]:
    """Read a tail to its end; return the numbers of its events."""
    return [event.seq for event in await all_of(told) if isinstance(event, LoggedEvent)]


async def say(database: Database, identity: Identity, hub: Hub, *words: str) -> None:
    """Append to a run's log, as its worker does."""
    said = [(word, TextSaid(content=word)) for word in words]
    async with database.acting(Role.WORKER, identity) as scope:
        EventLog(partial(hub.told, run_id_of(identity))).emit(scope, *said)


async def come_to_rest(database: Database, identity: Identity, hub: Hub, status: RunStatus) -> None:
    """Let a run end, or wait for a person, with the event that says so."""
    waits = status is RunStatus.WAITING
    event = Done(usage=NO_USAGE, finished_reason=FinishedReason("approval_required" if waits else "stop"))
    async with database.acting(Role.WORKER, identity) as scope:
        key = "pause:1" if waits else "end"
        EventLog(partial(hub.told, run_id_of(identity))).emit(scope, (key, event))
        if waits:
            await scope.execute("update runs set status = 'waiting' where id = %s", (identity.run_id,))
        else:
            runs.finish(scope, run_id_of(identity), status, reason="stop")


async def _someone_listens(hub: Hub) -> bool:
    return len(hub) > 0


async def test_an_event_is_seen_when_it_is_committed(database: Database, person: Person) -> None:
    """A reader in the worker's process sees an event long before its next look at the log."""
    identity, hub = await claimed(database, person), Hub()
    log = EventLog(partial(hub.told, run_id_of(identity)))
    async with aclosing(tail(database, person.id, run_id_of(identity), 1, hub)) as events:
        reading = asyncio.ensure_future(anext(events))
        await until(lambda: _someone_listens(hub))
        async with asyncio.timeout(tail_module.POLL_SECONDS * 0.8), database.acting(Role.WORKER, identity) as scope:
            log.emit(scope, ("a", TextSaid(content="x")))
        event = await reading
    assert isinstance(event, LoggedEvent)
    assert event.payload == '{"type":"text","content":"x"}'


async def test_an_event_of_another_process_is_seen_at_the_next_look(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a word from the worker a reader still sees every event, by looking again."""
    monkeypatch.setattr(tail_module, "POLL_SECONDS", 0.05)
    identity, elsewhere = await claimed(database, person), ScriptedTurns(database, ["a", "b"], ["c"])
    reading = asyncio.ensure_future(written(tail(database, person.id, run_id_of(identity), 0, Hub())))
    elsewhere.go_on.set()
    await elsewhere.run(identity, lambda _events: None)
    assert await reading == [1, 2, 3, 4, 5]


async def test_many_readers_look_less_often_and_never_past_a_heartbeat() -> None:
    """A process looks at silent logs a bounded number of times a second, however many it follows."""
    hub = Hub()
    with ExitStack() as following:
        pauses: list[float] = []
        for readers in (1, 299, 700):
            for _ in range(readers):
                following.enter_context(hub.listening(uuid4()))
            pauses.append(hub.poll_seconds)
    assert pauses == [tail_module.POLL_SECONDS, 300 / tail_module.POLLS_PER_SECOND, tail_module.HEARTBEAT_SECONDS / 2]


async def test_silence_is_broken_by_heartbeats(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that says nothing still gives a sign of life again and again."""
    monkeypatch.setattr(tail_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(tail_module, "HEARTBEAT_SECONDS", 0.03)
    identity = await claimed(database, person)
    async with aclosing(tail(database, person.id, run_id_of(identity), 1, Hub())) as events:
        assert [await anext(events), await anext(events)] == [Heartbeat(), Heartbeat()]


async def test_a_stream_ends_with_its_session(database: Database, person: Person) -> None:
    """When the run is deleted under a reader, the stream ends."""
    identity, hub = await claimed(database, person), Hub()
    reading = asyncio.ensure_future(written(tail(database, person.id, run_id_of(identity), 0, hub)))
    async with database.acting(Role.API, person.identity) as scope:
        run = await runs.find(scope, run_id_of(identity))
        assert run is not None
        await sessions.delete(scope, run.session_id)
    hub.told(run_id_of(identity))
    assert await reading in ([], [1])


async def test_a_stream_ends_when_the_process_stops(database: Database, person: Person) -> None:
    """Closing the hub ends the streams at once, and says when to come back: clients go on at another server."""
    identity, hub = await claimed(database, person), Hub()
    reading = asyncio.ensure_future(all_of(tail(database, person.id, run_id_of(identity), 1, hub)))
    await until(lambda: _someone_listens(hub))
    async with asyncio.timeout(tail_module.POLL_SECONDS * 0.8):
        hub.close()
        (last,) = await reading
    assert isinstance(last, ComeBack)
    assert 500 <= last.milliseconds < 3_000


async def test_a_look_that_hangs_keeps_no_process_from_stopping(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream whose database does not answer ends at once too when the process stops."""
    identity, hub = await claimed(database, person), Hub()
    asked, answered = asyncio.Event(), asyncio.Event()

    async def hanging(*_: object) -> None:
        asked.set()
        await answered.wait()

    monkeypatch.setattr(events, "read_behind", hanging)
    reading = asyncio.ensure_future(all_of(tail(database, person.id, run_id_of(identity), 1, hub)))
    await asked.wait()
    hub.close()
    async with asyncio.timeout(1):
        assert [type(event) for event in await reading] == [ComeBack]
    answered.set()


async def test_a_database_that_is_away_is_waited_for(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream outlives a database that does not answer for a while."""
    monkeypatch.setattr(tail_module, "POLL_SECONDS", 0.01)
    identity, elsewhere = await claimed(database, person), ScriptedTurns(database, ["a"], [])
    elsewhere.go_on.set()
    await elsewhere.run(identity, lambda _events: None)
    asked, read_behind = iter(range(9)), events.read_behind

    async def read_at_the_third_try(scope: Scope, run_id: UUID, seq: int, limit: int) -> Reading | None:
        if next(asked) < 2:
            raise DatabaseUnavailable
        return await read_behind(scope, run_id, seq, limit)

    monkeypatch.setattr(events, "read_behind", read_at_the_third_try)
    assert await written(tail(database, person.id, run_id_of(identity), 0, Hub())) == [1, 2, 3]


@pytest.mark.parametrize("status", [RunStatus.DONE, RunStatus.WAITING])
async def test_a_stream_is_over_when_its_run_comes_to_rest(
    database: Database, person: Person, status: RunStatus
) -> None:
    """A run that ended, or waits for a person, has nothing more to say: from any event its stream is the rest."""
    identity, hub = await claimed(database, person), Hub()
    live = asyncio.ensure_future(written(tail(database, person.id, run_id_of(identity), 0, hub)))
    await say(database, identity, hub, "a", "b")
    await come_to_rest(database, identity, hub, status)
    async with asyncio.timeout(tail_module.POLL_SECONDS * 0.8):
        assert await live == [1, 2, 3, 4]
        for after in range(5):
            rest = await written(tail(database, person.id, run_id_of(identity), after, hub))
            assert rest == list(range(after + 1, 5))


async def test_a_pause_in_the_middle_of_a_log_ends_no_replay(database: Database, person: Person) -> None:
    """Behind the `done` of a pause the same log goes on, and whoever reads it from the beginning reads through."""
    identity, hub = await claimed(database, person), Hub()
    await come_to_rest(database, identity, hub, RunStatus.WAITING)
    assert await written(tail(database, person.id, run_id_of(identity), 0, hub)) == [1, 2]
    async with database.acting(Role.API, person.identity) as scope:
        await scope.execute("update runs set status = 'running' where id = %s", (identity.run_id,))
    live = asyncio.ensure_future(written(tail(database, person.id, run_id_of(identity), 0, hub)))
    await say(database, identity, hub, "a")
    await come_to_rest(database, identity, hub, RunStatus.DONE)
    assert await live == [1, 2, 3, 4]


async def test_a_log_longer_than_one_look_is_read_whole(database: Database, person: Person) -> None:
    """A long log is read in pieces, without a wait between them."""
    identity, hub = await claimed(database, person), Hub()
    await say(database, identity, hub, *(str(number) for number in range(2 * tail_module.BATCH_EVENTS)))
    await come_to_rest(database, identity, hub, RunStatus.DONE)
    async with asyncio.timeout(tail_module.POLL_SECONDS * 0.8):
        read = await written(tail(database, person.id, run_id_of(identity), 0, hub))
    assert read == list(range(1, 2 * tail_module.BATCH_EVENTS + 3))


async def test_a_log_that_is_removed_under_a_reader_ends_its_stream(database: Database, person: Person) -> None:
    """A slow reader of an old run whose events expire gets an end, and learns at its next try what became of them."""
    identity, hub = await claimed(database, person), Hub()
    await say(database, identity, hub, *(str(number) for number in range(2 * tail_module.BATCH_EVENTS)))
    await come_to_rest(database, identity, hub, RunStatus.DONE)
    reading = tail(database, person.id, run_id_of(identity), 0, hub)
    await anext(reading)
    async with database.acting(Role.API, person.identity) as scope:
        await scope.execute("update runs set events_expired_at = now() where id = %s", (identity.run_id,))
    assert len(await all_of(reading)) == tail_module.BATCH_EVENTS - 1


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give where each look into a log began, of all readers."""
    began: list[int] = []
    read_behind = events.read_behind

    async def noted(scope: Scope, run_id: UUID, seq: int, limit: int) -> Reading | None:
        began.append(seq)
        return await read_behind(scope, run_id, seq, limit)

    monkeypatch.setattr(events, "read_behind", noted)
    return began


async def test_fifty_readers_share_their_looks(database: Database, person: Person, looks: list[int]) -> None:
    """However many follow a run in one process, an event costs one look, and all of them see the same."""
    identity, hub = await claimed(database, person), Hub()
    reading = [
        asyncio.ensure_future(written(tail(database, person.id, run_id_of(identity), 0, hub))) for _ in range(READERS)
    ]
    for word in ("a", "b", "c"):
        await say(database, identity, hub, word)
    await come_to_rest(database, identity, hub, RunStatus.DONE)
    assert await asyncio.gather(*reading) == [[1, 2, 3, 4, 5]] * READERS
    assert len(looks) <= 10


async def test_readers_that_wait_together_look_together(
    database: Database, person: Person, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty readers of a silent run look again as one."""
    monkeypatch.setattr(tail_module, "POLL_SECONDS", 0.1)
    identity, hub = await claimed(database, person), Hub()
    reading = [asyncio.ensure_future(all_of(tail(database, person.id, run_id_of(identity), 1, hub)))]
    for _ in range(READERS - 1):
        await asyncio.sleep(0)
        reading.append(asyncio.ensure_future(all_of(tail(database, person.id, run_id_of(identity), 1, hub))))
    await until(lambda: _at_least(looks, 20))
    hub.close()
    assert [len(told) for told in await asyncio.gather(*reading)] == [1] * READERS
    assert len(looks) < 2 * 20


async def _at_least(looks: list[int], many: int) -> bool:
    return len(looks) >= many


@pytest.fixture
def administrator(admin_dsn: str) -> Generator[psycopg.Connection]:
    """Give a connection that sees what every other connection of the suite's database does."""
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        yield connection


async def test_readers_that_wait_hold_no_connection(
    database: Database, person: Person, administrator: psycopg.Connection
) -> None:
    """Fifty readers of a silent run have no connection checked out, and no transaction open, between two looks."""
    identity, hub = await claimed(database, person), Hub()
    reading = [
        asyncio.ensure_future(all_of(tail(database, person.id, run_id_of(identity), 1, hub))) for _ in range(READERS)
    ]

    async def all_wait() -> bool:
        busy = administrator.execute(
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and usename = 'planwright_api' and state <> 'idle'"
        ).fetchone()
        return len(hub.looks) == 0 and len(hub) == READERS and busy == (0,)

    await until(all_wait)
    hub.close()
    await asyncio.gather(*reading)


async def test_a_hub_keeps_nothing_of_readers_that_left(database: Database, person: Person) -> None:
    """However a reader goes, nothing of it stays."""
    identity, hub = await claimed(database, person), Hub()
    for _ in range(3):
        async with aclosing(tail(database, person.id, run_id_of(identity), 0, hub)) as events:
            await anext(events)
            assert len(hub) == 1
    hub.told(uuid4())
    assert len(hub) == 0
