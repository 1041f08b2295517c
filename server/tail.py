"""Following a run's log: what is there, then what comes, until the terminal event.

The log in Postgres is the truth. `Hub` only says when to look again, so that a
reader in the worker's own process does not wait for its next look.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import UUID

from nodes.vocabulary.events import TERMINAL_TYPES
from persistence.errors import DatabaseUnavailable, StatementTimedOut
from persistence.pools import Database
from persistence.runs import events, runs
from persistence.runs.events import LoggedEvent
from persistence.scope import Identity, Role

POLL_SECONDS: Final = 1.0  # how late an event of another process can be seen
HEARTBEAT_SECONDS: Final = 15.0  # proxies cut a silent connection after 30 to 60
BATCH_EVENTS: Final = 100  # of at most 32 KB each

log = logging.getLogger(__name__)


class Hub:
    """Wakes whoever in this process waits for news of a run."""

    def __init__(self) -> None:
        self.closed = False
        self._waiting: Final = defaultdict[UUID, set[asyncio.Event]](set)

    def told(self, run_id: UUID) -> None:
        """Wake the readers of a run: something was committed to its log."""
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

    def close(self) -> None:
        """End every stream at its next look: the process stops, and clients resume elsewhere."""
        self.closed = True
        for run_id in list(self._waiting):
            self.told(run_id)

    def __len__(self) -> int:
        return len(self._waiting)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing happened for a while, and the stream is alive."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look into the log found."""

    found: list[LoggedEvent]
    over: bool


async def tail(
    database: Database, user_id: UUID, run_id: UUID, after: int, hub: Hub
) -> AsyncGenerator[LoggedEvent | Heartbeat]:
    """Yield the events of a run behind `after`, as they come, up to its terminal event.

    It also ends when the run is deleted or the process stops. Between two looks
    no connection is held, and a database that is away is waited for.
    """
    silent_since = monotonic()
    with hub.listening(run_id) as news:
        while not hub.closed:
            news.clear()
            look = await _patient_look(database, user_id, run_id, after)
            for event in look.found:
                yield event
                after, silent_since = event.seq, monotonic()
            if look.over:
                return
            if not look.found:
                if monotonic() - silent_since >= HEARTBEAT_SECONDS:
                    yield Heartbeat()
                    silent_since = monotonic()
                await wait_at_most(news, POLL_SECONDS)


async def _patient_look(database: Database, user_id: UUID, run_id: UUID, after: int) -> _Look:
    try:
        return await _look(database, user_id, run_id, after)
    except (DatabaseUnavailable, StatementTimedOut):
        log.warning("The log of run %s cannot be read right now", run_id)
        return _Look([], over=False)


async def _look(database: Database, user_id: UUID, run_id: UUID, after: int) -> _Look:
    async with database.acting(Role.API, Identity(user_id)) as scope:
        run = await runs.find(scope, run_id)
        if run is None or run.last_seq <= after:
            return _Look([], over=run is None or run.finished)
        found = await events.after(scope, run_id, after, BATCH_EVENTS)
    return _Look(found, over=any(event.type in TERMINAL_TYPES for event in found))


async def wait_at_most(news: asyncio.Event, seconds: float) -> None:
    """Return when there is news, or when the time is up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
