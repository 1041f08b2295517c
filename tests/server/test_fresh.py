"""Events that were committed here are read without a look into the log, and only by who may."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.errors import DatabaseUnavailable
from persistence.pools import Database
from persistence.runs import events
from persistence.runs.events import LoggedEvent, Reading
from persistence.runs.runs import RunStatus
from persistence.scope import Scope
from server import tail as tail_module
from server.fresh import KEPT_EVENTS, FreshEvents
from server.looks import Answer, Look, Looks, Place
from server.tail import Hub, of_new_run, tail
from tests.conftest import Person
from tests.server.reading import until
from tests.server.test_tail import claimed, come_to_rest, run_id_of, say, written

RUN = UUID(int=7)


def event(number: int) -> LoggedEvent:
    """Return an event in its place."""
    return LoggedEvent(number, "text", f"event {number}")


@given(st.permutations(range(1, 12)), st.integers(0, 11), st.sets(st.integers(1, 11)))
def test_what_follows_comes_in_order_and_without_a_gap(order: Sequence[int], after: int, missing: set[int]) -> None:
    """Commits may be told in any order; behind a place stands what follows it, up to the first that is missing."""
    fresh = FreshEvents()
    for number in order:
        fresh.add(RUN, [event(number)] if number not in missing else [])
    found = [each.seq for each in fresh.behind(RUN, after)]
    gap = min((number for number in missing if number > after), default=12)
    assert found == list(range(after + 1, gap))


def test_the_newest_are_kept_and_a_run_is_forgotten() -> None:
    """Of a run so many events are kept, the newest; of one that nobody listens to none."""
    fresh = FreshEvents()
    fresh.add(RUN, [event(number) for number in range(1, KEPT_EVENTS + 3)])
    assert fresh.behind(RUN, 0) == []
    assert len(fresh.behind(RUN, 2)) == KEPT_EVENTS
    fresh.forget(RUN)
    assert (fresh.behind(RUN, 2), len(fresh)) == ([], 0)


class CountedLooks(Looks):
    """Counts who wants to look into the log."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = 0

    def join(self, place: Place, look: Look) -> asyncio.Task[Answer]:
        """Count, and look."""
        self.joined += 1
        return super().join(place, look)


async def test_a_reader_beside_the_worker_looks_twice(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once to see whose run it is, once to see that it ended; what is committed meanwhile is handed over."""
    identity, hub, looks = await claimed(database, person), Hub(), CountedLooks()
    monkeypatch.setattr(hub, "looks", looks)
    reading = asyncio.ensure_future(written(tail(database, person.id, run_id_of(identity), 0, hub)))
    await until(partial(_looked, looks))
    for word in ("a", "b", "c", "d"):
        await say(database, identity, hub, word)
    await come_to_rest(database, identity, hub, RunStatus.DONE)
    assert await reading == [1, 2, 3, 4, 5, 6]
    assert looks.joined == 2
    assert len(hub.fresh) == 0


async def _looked(looks: CountedLooks) -> bool:
    return looks.joined == 1 and len(looks) == 0


async def test_nobody_reads_anothers_fresh_events(database: Database, person: Person, stranger: Person) -> None:
    """A reader of somebody else's run gets nothing of it, though its events lie in the same process."""
    identity, hub = await claimed(database, person), Hub()
    with hub.listening(run_id_of(identity)):
        await say(database, identity, hub, "secret")
        assert len(hub.fresh.behind(run_id_of(identity), 1)) == 1
        assert await written(tail(database, stranger.id, run_id_of(identity), 1, hub)) == []


async def test_whose_run_it_is_must_have_been_seen(
    database: Database, person: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away at the first look makes nobody a reader: it is looked again before anything is told."""
    identity, hub, looked = await claimed(database, person), Hub(), list[int]()
    really = events.read_behind

    async def away_at_first(scope: Scope, run_id: UUID, seq: int, limit: int) -> Reading | None:
        looked.append(seq)
        if len(looked) == 1:
            raise DatabaseUnavailable
        return await really(scope, run_id, seq, limit)

    monkeypatch.setattr(events, "read_behind", away_at_first)
    reading = asyncio.ensure_future(written(tail(database, stranger.id, run_id_of(identity), 1, hub)))
    await until(partial(_holds, looked))
    await say(database, identity, hub, "secret")
    assert await reading == []


async def _holds(looked: list[int]) -> bool:
    return bool(looked)


async def test_a_reader_of_a_new_run_looks_once(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever had a run accepted knows whose it is and what it begins with; only whether it ended is looked up."""
    identity, hub, looks = await claimed(database, person), Hub(), CountedLooks()
    monkeypatch.setattr(hub, "looks", looks)
    reading = of_new_run(database, person.id, run_id_of(identity), event(1), hub)
    assert await anext(reading) == [event(1)]
    for word in ("a", "b"):
        await say(database, identity, hub, word)
    await come_to_rest(database, identity, hub, RunStatus.DONE)
    assert [each.seq async for batch in reading for each in batch if isinstance(each, LoggedEvent)] == [2, 3, 4]
    assert looks.joined == 1


async def test_news_that_came_before_a_new_run_was_listened_to_are_found(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another process told of in the moment between is looked for, long before a lost piece of news would be."""
    identity, hub = await claimed(database, person), Hub()
    monkeypatch.setattr(tail_module, "POLL_SECONDS", 600.0)
    monkeypatch.setattr(tail_module, "HEARTBEAT_SECONDS", 1200.0)
    await say(database, identity, hub, "early")
    async with aclosing(of_new_run(database, person.id, run_id_of(identity), event(1), hub)) as reading:
        assert await anext(reading) == [event(1)]
        (early,) = await anext(reading)
    assert isinstance(early, LoggedEvent)
    assert early.seq == 2


async def test_events_of_runs_that_nobody_reads_are_not_kept() -> None:
    """Without a reader in this process there is nobody to hand events to."""
    hub = Hub()
    hub.told(uuid4(), [event(1)])
    assert len(hub.fresh) == 0
