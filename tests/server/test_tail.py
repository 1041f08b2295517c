"""Following a log."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID, uuid4

import pytest

from nodes.vocabulary.events import TextSaid
from nodes.vocabulary.log import EventLog
from persistence.errors import DatabaseUnavailable
from persistence.pools import Database
from persistence.record import sessions
from persistence.runs import runs
from persistence.runs.events import LoggedEvent
from persistence.runs.runs import Run
from persistence.scope import Identity, Role, Scope
from server import tail as tail_module
from server.accept import accept
from server.bodies import Ask
from server.tail import Heartbeat, Hub, tail
from tests.conftest import Person
from tests.server.reading import until
from tests.server.scripted_turns import ScriptedTurns


async def claimed(database: Database, person: Person) -> Identity:
    """Accept a message and take its run, as a worker does."""
    accepted = await accept(database, person.id, Ask(message="Hello"))
    async with database.acting(Role.WORKER, person.identity) as scope:
        run = await runs.claim(scope, accepted.run.id, 60)
    assert run is not None
    return Identity(person.id, run.id, run.attempt)


def run_id_of(identity: Identity) -> UUID:
    """Return the run of a worker's identity."""
    assert identity.run_id is not None
    return identity.run_id


async def written(events: AsyncGenerator[LoggedEvent | Heartbeat]) -> list[int]:
    """Read a tail to its end; return the numbers of its events."""
    async with aclosing(events):
        return [event.seq async for event in events if isinstance(event, LoggedEvent)]


async def _someone_listens(hub: Hub) -> bool:
    return len(hub) > 0


async def test_an_event_is_seen_when_it_is_committed(database: Database, person: Person) -> None:
    """A reader in the worker's process sees an event long before its next look at the log."""
    identity, hub = await claimed(database, person), Hub()
    log = EventLog(lambda: hub.told(run_id_of(identity)))
    async with aclosing(tail(database, person.id, run_id_of(identity), 1, hub)) as events:
        reading = asyncio.ensure_future(anext(events))
        await until(lambda: _someone_listens(hub))
        async with asyncio.timeout(tail_module.POLL_SECONDS * 0.8), database.acting(Role.WORKER, identity) as scope:
            await log.emit(scope, ("a", TextSaid(content="x")))
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
    await elsewhere.run(identity, lambda: None)
    assert await reading == [1, 2, 3, 4, 5]


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
    """Closing the hub ends the streams, so that clients resume at another server."""
    identity, hub = await claimed(database, person), Hub()
    reading = asyncio.ensure_future(written(tail(database, person.id, run_id_of(identity), 1, hub)))
    await until(lambda: _someone_listens(hub))
    hub.close()
    assert await reading == []


async def test_a_database_that_is_away_is_waited_for(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream outlives a database that does not answer for a while."""
    monkeypatch.setattr(tail_module, "POLL_SECONDS", 0.01)
    identity, elsewhere = await claimed(database, person), ScriptedTurns(database, ["a"], [])
    elsewhere.go_on.set()
    await elsewhere.run(identity, lambda: None)
    asked, find = iter(range(9)), runs.find

    async def find_at_the_third_try(scope: Scope, run_id: UUID) -> Run | None:
        if next(asked) < 2:
            raise DatabaseUnavailable
        return await find(scope, run_id)

    monkeypatch.setattr(runs, "find", find_at_the_third_try)
    assert await written(tail(database, person.id, run_id_of(identity), 0, Hub())) == [1, 2, 3]


async def test_a_hub_keeps_nothing_of_readers_that_left(database: Database, person: Person) -> None:
    """However a reader goes, nothing of it stays."""
    identity, hub = await claimed(database, person), Hub()
    for _ in range(3):
        async with aclosing(tail(database, person.id, run_id_of(identity), 0, hub)) as events:
            await anext(events)
            assert len(hub) == 1
    hub.told(uuid4())
    assert len(hub) == 0
