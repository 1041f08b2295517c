"""Runs at work: outside any request, held by a lease, stopped on purpose only.

A run is taken by raising its `attempt`; from then on every write passes that
fence, so a worker that lost a run can do no harm and simply stops. What a turn
does is `Turns`; how runs reach a worker is `submit` and the sweep.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import Final, Protocol
from uuid import UUID

from persistence.errors import DatabaseUnavailable, Fenced, PersistenceError, StatementTimedOut
from persistence.pools import Database
from persistence.runs import runs
from persistence.runs.runs import Run, Unfinished
from persistence.scope import Identity, Role
from server.tail import Hub

DRAIN_SECONDS: Final = 20.0  # that running turns get to end by themselves when the process stops
RELEASE_SECONDS: Final = 5.0  # to put down the others
ATTEMPTS_MAX: Final = 3  # a run that took its worker down this often would take the next one down too
NOBODY: Final = Identity(UUID(int=0))  # finds which runs wait; sees no rows

Told = Callable[[], None]

log = logging.getLogger(__name__)


class Failing(Protocol):
    """Ends a run that cannot go on with its `error` event."""

    def __call__(self, identity: Identity, told: Told, code: str, *, retryable: bool) -> Awaitable[None]:
        """Write the event and the end of the run."""
        ...


@dataclass(frozen=True, slots=True)
class Turns:
    """What to do with a run that is held: run it to its end, or write its end down."""

    run: Callable[[Identity, Told], Awaitable[None]]
    end_cancelled: Callable[[Identity, Told], Awaitable[None]]
    end_failed: Failing


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a run is held without a sign of life, how often one is given, and how many are held."""

    lease_seconds: float
    heartbeat_seconds: float
    runs_at_once: int


class Why(Enum):
    """Why a turn is stopped before its end."""

    CANCELLED = auto()  # the person asked for it
    RELEASED = auto()  # the process stops; another goes on
    LOST = auto()  # another attempt holds the run


class Held:
    """A turn at work. It is cancelled at most once, and the reason is kept."""

    def __init__(self, turn: asyncio.Task[None]) -> None:
        self.turn: Final = turn
        self.why: Why | None = None

    def stop(self, why: Why) -> None:
        """Cancel the turn, unless that was done."""
        if self.why is None and not self.turn.done():
            self.why = why
            self.turn.cancel()


class Worker:
    """Takes queued runs and those that others left behind, and works on some of them at once."""

    def __init__(self, database: Database, turns: Turns, hub: Hub, pace: Pace) -> None:
        self._database: Final = database
        self._turns: Final = turns
        self._hub: Final = hub
        self._pace: Final = pace
        self._places: Final = asyncio.Semaphore(pace.runs_at_once)
        self._tasks: Final[dict[asyncio.Task[None], UUID]] = {}
        self._held: Final[dict[UUID, Held]] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self.stopping = False

    @property
    def busy(self) -> bool:
        """Say whether there is anything that this worker holds or is about to take."""
        return bool(self._tasks)

    def start(self) -> None:
        """Begin to look for runs that nobody holds: those of before, and those that others drop."""
        self._sweeping = asyncio.create_task(self._sweep(), name="sweep")

    def submit(self, user_id: UUID, run_id: UUID) -> None:
        """Work on a run as soon as there is a place; harmless for one that is not free."""
        if self.stopping:
            return
        task = asyncio.create_task(self._work(user_id, run_id), name=f"run {run_id}")
        self._tasks[task] = run_id
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        run_id = self._tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Run %s could not be ended: %s", run_id, traced(error))

    def cancel(self, run_id: UUID) -> None:
        """Stop a run if this worker holds it; `cancel_requested_at` tells the others."""
        if (held := self._held.get(run_id)) is not None:
            held.stop(Why.CANCELLED)

    async def stop(self) -> None:
        """Take nothing more, let turns end for `DRAIN_SECONDS`, and put the rest down for other workers."""
        self.stopping = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._finished_within(DRAIN_SECONDS)
        for held in self._held.values():
            held.stop(Why.RELEASED)
        await self._finished_within(RELEASE_SECONDS)

    async def _finished_within(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def _sweep(self) -> None:
        while True:
            for run in await self._waiting():
                if run.run_id not in self._tasks.values():
                    self.submit(run.user_id, run.run_id)
            await asyncio.sleep(self._pace.lease_seconds)

    async def _waiting(self) -> list[Unfinished]:
        try:
            async with self._database.acting(Role.WORKER, NOBODY) as scope:
                return await runs.unfinished(scope)
        except PersistenceError as error:
            log.warning("Looking for waiting runs failed: %s", error)
            return []

    async def _work(self, user_id: UUID, run_id: UUID) -> None:
        """Take a run, work on it, and hand its place in the session on."""
        try:
            async with self._places:
                run = None if self.stopping else await self._claim(user_id, run_id)
                if run is not None:
                    await self._attempt(Identity(user_id, run.id, run.attempt), run)
            if run is not None:
                await self._submit_next(user_id, run.session_id)
        except Fenced:
            log.info("Run %s is held by another attempt", run_id)
        except PersistenceError as error:
            log.warning("Run %s is left until its lease runs out: %s", run_id, error)
            asyncio.get_running_loop().call_later(self._pace.lease_seconds, self.submit, user_id, run_id)

    async def _claim(self, user_id: UUID, run_id: UUID) -> Run | None:
        async with self._database.acting(Role.WORKER, Identity(user_id)) as scope:
            return await runs.claim(scope, run_id, self._pace.lease_seconds)

    async def _attempt(self, identity: Identity, run: Run) -> None:
        told = partial(self._hub.told, run.id)
        if run.cancel_requested_at is not None:
            await self._turns.end_cancelled(identity, told)
        elif run.attempt > ATTEMPTS_MAX:
            await self._turns.end_failed(identity, told, "attempts_exhausted", retryable=True)
        else:
            await self._conclude(identity, told, await self._hold(identity, told, run.id))

    async def _hold(self, identity: Identity, told: Told, run_id: UUID) -> Held:
        """Run the turn in a task of its own, with a heartbeat beside it, until it ends or is stopped."""
        held = Held(asyncio.ensure_future(self._turns.run(identity, told)))
        beating = asyncio.create_task(self._beat(identity, run_id, held))
        self._held[run_id] = held
        try:
            await asyncio.wait([held.turn])
        finally:
            beating.cancel()
            del self._held[run_id]
        return held

    async def _beat(self, identity: Identity, run_id: UUID, held: Held) -> None:
        while True:
            await asyncio.sleep(self._pace.heartbeat_seconds)
            try:
                cancelled = await self._renew(identity, run_id, self._pace.lease_seconds)
            except Fenced:
                held.stop(Why.LOST)
                return
            except (DatabaseUnavailable, StatementTimedOut):
                continue
            if cancelled:
                held.stop(Why.CANCELLED)

    async def _renew(self, identity: Identity, run_id: UUID, seconds: float) -> bool:
        """Hold the run for another while; return whether its cancellation was asked for."""
        async with self._database.acting(Role.WORKER, identity) as scope:
            await runs.renew(scope, run_id, seconds)
            run = await runs.find(scope, run_id)
        return run is not None and run.cancel_requested_at is not None

    async def _conclude(self, identity: Identity, told: Told, held: Held) -> None:
        """Write down how a turn ended that did not do so itself."""
        if held.turn.cancelled():
            await self._put_down(identity, told, held.why)
            return
        error = held.turn.exception()
        if isinstance(error, PersistenceError):
            raise error
        if error is not None:
            log.error("Run %s ended by an error nobody foresaw: %s", identity.run_id, traced(error))
            await self._turns.end_failed(identity, told, "internal", retryable=True)

    async def _put_down(self, identity: Identity, told: Told, why: Why | None) -> None:
        assert identity.run_id is not None, "the identity of a held run names it"
        if why is Why.CANCELLED:
            await self._turns.end_cancelled(identity, told)
        elif why is Why.RELEASED:
            await self._renew(identity, identity.run_id, seconds=0.0)

    async def _submit_next(self, user_id: UUID, session_id: UUID) -> None:
        async with self._database.acting(Role.API, Identity(user_id)) as scope:
            following = await runs.next_in_session(scope, session_id)
        if following is not None:
            self.submit(user_id, following)


def traced(error: BaseException) -> str:
    """Return what an error is and where it was raised, without its text: that may be a person's."""
    frames = extract_tb(error.__traceback__)
    return " < ".join([type(error).__name__, *(f"{Path(at.filename).name}:{at.lineno}" for at in reversed(frames))])
