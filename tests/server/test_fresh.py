"""Events that were committed here are read without a look into the log, and only by who may."""

import asyncio
from collections.abc import Sequence
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
from server.fresh import KEPT_EVENTS, FreshEvents
from server.looks import Answer, Look, Looks, Place
from server.tail import Hub, tail
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


async def test_events_of_runs_that_nobody_reads_are_not_kept() -> None:
    """Without a reader in this process there is nobody to hand events to."""
    hub = Hub()
    hub.told(uuid4(), [event(1)])
    assert len(hub.fresh) == 0
