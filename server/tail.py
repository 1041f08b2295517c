"""Following a run's log: what is there, then what comes, until the run ends or waits for a person.

The log in Postgres is the truth. `Hub` says when to look again, after a commit in
this process and when another process told of one of its own, and spares the look
where what was committed here is all that is missing.
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import Final
from uuid import UUID

from nodes.vocabulary.events import TERMINAL_TYPES
from persistence.errors import DatabaseUnavailable, StatementTimedOut, StoodStill
from persistence.pools import Database
from persistence.runs import events
from persistence.runs.events import LoggedEvent, Reading
from persistence.scope import Identity, Role
from server.fresh import FreshEvents
from server.logs import about
from server.looks import Answer, Looks, Place

POLL_SECONDS: Final = 1.5  # news wakes readers; this is for news that got lost, and few wait two seconds for it
FIRST_NEWS_SECONDS: Final = 0.25  # for the same of a new run, whose first news may be told before anybody listens
POLLS_PER_SECOND: Final = 40  # of a process: three hundred silent streams look every 7.5 seconds
HEARTBEAT_SECONDS: Final = 15.0  # proxies cut a silent connection after 30 to 60
BATCH_EVENTS: Final = 32  # of at most 32 KB each: what a slow reader holds is at most a megabyte
COME_BACK_MILLISECONDS: Final = range(500, 3_000)  # spread, so that not all clients of a stopped server meet again

log = logging.getLogger(__name__)


class Hub:
    """Wakes whoever in this process waits for news of a run, and passes the news of this process on."""

    def __init__(self) -> None:
        self.looks: Final = Looks()
        self.fresh: Final = FreshEvents()
        self.pass_on: Callable[[UUID], None] | None = None  # tells the other processes; it never waits and never fails
        self._waiting: Final = defaultdict[UUID, set[asyncio.Event]](set)
        self._closing: Final = asyncio.get_running_loop().create_future()

    def told(self, run_id: UUID, events: Sequence[LoggedEvent] = ()) -> None:
        """Say that something of a run was committed here, these events perhaps: its readers wake, in every process."""
        if run_id in self._waiting:
            self.fresh.add(run_id, events)
        self.heard(run_id)
        if self.pass_on is not None:
            self.pass_on(run_id)

    def heard(self, run_id: UUID) -> None:
        """Wake the readers of a run here: something was committed to its log."""
        self.looks.too_early(run_id)
        self.wake(run_id)

    def missed(self) -> None:
        """Wake every reader here: for a while nobody told us anything."""
        for run_id in list(self._waiting):
            self.heard(run_id)

    def wake(self, run_id: UUID) -> None:
        """Have the readers of a run look again, together."""
        for event in self._waiting.get(run_id, ()):
            event.set()

    @contextmanager
    def listening(self, run_id: UUID) -> Generator[asyncio.Event]:
        """Give an event that every `told` sets; whoever waits for it clears it before looking."""
        event = asyncio.Event()
        self._waiting[run_id].add(event)
        try:
            yield event
        finally:
            self._waiting[run_id].discard(event)
            if not self._waiting[run_id]:
                del self._waiting[run_id]
                self.fresh.forget(run_id)

    @property
    def closed(self) -> bool:
        """Say whether the process stops."""
        return self._closing.done()

    def close(self) -> None:
        """End every stream, whatever it waits for: the process stops, and clients resume elsewhere."""
        if not self.closed:
            self._closing.set_result(None)
        for run_id in list(self._waiting):
            self.wake(run_id)

    async def first(self, look: asyncio.Task[Answer]) -> bool:
        """Wait for a look; False when the process stops before."""
        await asyncio.wait({look, self._closing}, return_when=asyncio.FIRST_COMPLETED)
        return look.done()

    @property
    def poll_seconds(self) -> float:
        """Return how long a reader waits for news before it looks by itself."""
        return min(max(POLL_SECONDS, len(self._waiting) / POLLS_PER_SECOND), HEARTBEAT_SECONDS / 2)

    def __len__(self) -> int:
        return sum(len(readers) for readers in self._waiting.values())


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing happened for a while, and the stream is alive."""


@dataclass(frozen=True, slots=True)
class ComeBack:
    """The process stops before the run does: the client goes on elsewhere, after this long."""

    milliseconds: int


Told = LoggedEvent | Heartbeat | ComeBack

_NOTHING_SEEN: Final = Reading([], last_seq=0, resting=False, expired=False)


async def tail(database: Database, user_id: UUID, run_id: UUID, after: int, hub: Hub) -> AsyncGenerator[Told]:
    """Yield the events of a run behind `after` one by one: see `batches`."""
    async with aclosing(batches(database, user_id, run_id, after, hub)) as found:
        async for batch in found:
            for told in batch:
                yield told


async def of_new_run(
    database: Database, user_id: UUID, run_id: UUID, first: LoggedEvent, hub: Hub
) -> AsyncGenerator[Sequence[Told]]:
    """Yield the events of a run that its reader just had accepted, beginning with its first.

    Nobody looks for the next one until there are news of it, or they may have come before we listened.
    """
    with hub.listening(run_id) as news:
        yield [first]
        await wait_at_most(news, FIRST_NEWS_SECONDS)
        async with aclosing(_behind(database, Place(user_id, run_id, first.seq), hub, news, must_look=False)) as found:
            async for batch in found:
                yield batch


async def batches(
    database: Database, user_id: UUID, run_id: UUID, after: int, hub: Hub
) -> AsyncGenerator[Sequence[Told]]:
    """Yield the events of a run behind `after`, as they come, until all is said: the run ended or waits for a person.

    It also ends when the run or its events are deleted, and with `ComeBack` when
    the process stops. Between two looks no connection is held, and a database
    that is away is waited for.
    """
    with hub.listening(run_id) as news:
        async with aclosing(_behind(database, Place(user_id, run_id, after), hub, news, must_look=True)) as found:
            async for batch in found:
                yield batch


async def _behind(
    database: Database, place: Place, hub: Hub, news: asyncio.Event, *, must_look: bool
) -> AsyncGenerator[Sequence[Told]]:
    """Yield what follows; at first it `must_look` to learn whose the log is, and later at what may be the end."""
    silent_since, after = monotonic(), place.after
    while not hub.closed:
        news.clear()
        here = [] if must_look else hub.fresh.behind(place.run_id, after)
        if here:
            seen: Answer = Reading(here, here[-1].seq, resting=False, expired=False)
        else:
            look = hub.looks.join(replace(place, after=after), partial(_look, database))
            if not await hub.first(look):
                break
            seen = look.result()
        if seen is None or seen.expired:
            return
        if seen.found:
            yield seen.found
            after, silent_since = seen.found[-1].seq, monotonic()
        may_be_the_end = bool(here) and here[-1].type in TERMINAL_TYPES
        must_look = may_be_the_end or seen is _NOTHING_SEEN
        if may_be_the_end or (seen.found and after < seen.last_seq):
            continue
        if seen.resting:
            return
        if monotonic() - silent_since >= HEARTBEAT_SECONDS:
            yield [Heartbeat()]
            silent_since = monotonic()
        if not await wait_at_most(news, hub.poll_seconds):
            hub.wake(place.run_id)
    yield [ComeBack(secrets.choice(COME_BACK_MILLISECONDS))]


async def _look(database: Database, place: Place) -> Answer:
    """Return what stands behind a place, or that nothing does while the database is away."""
    try:
        async with database.acting(Role.API, Identity(place.user_id)) as scope:
            scope.ends_with_next()
            return await events.read_behind(scope, place.run_id, place.after, BATCH_EVENTS)
    except (DatabaseUnavailable, StatementTimedOut, StoodStill):
        with about(place.run_id):
            log.warning("The run’s log cannot be read right now")
        return _NOTHING_SEEN


async def wait_at_most(news: asyncio.Event, seconds: float) -> bool:
    """Wait for news, at most so long; False when there was none."""
    try:
        async with asyncio.timeout(seconds):
            return await news.wait()
    except TimeoutError:
        return False
