"""Runs at work: outside any request, held by their attempt, stopped on purpose only.

A job of the queue says whose turn it is. The run is taken by raising its
`attempt`; from then on every write passes that fence, so a worker that lost a
run can do no harm and simply stops. What a turn does is `Turns`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

from nodes.vocabulary.log import Told
from persistence.errors import CancelRequested, DatabaseUnavailable, Fenced, PersistenceError
from persistence.gate import behind_those_at_work
from persistence.lasting import lasting, traced
from persistence.pools import Database
from persistence.queue import Job, JobLeft, Queue, Rhythm
from persistence.runs import runs
from persistence.runs.runs import Run
from persistence.scope import Identity, Role
from server.logs import about
from server.tail import Hub

RELEASE_SECONDS: Final = 5.0  # to put down the turns that did not end while the worker drained
LOOK_AGAIN_SECONDS: Final = 0.25  # whether a database that went away is back
ATTEMPTS_MAX: Final = 3  # a run that took its worker down this often would take the next one down too

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


class Why(Enum):
    """Why a turn is stopped before its end."""

    CANCELLED = auto()  # the person asked for it
    RELEASED = auto()  # the process stops; another goes on
    LOST = auto()  # the next attempt at the run begins in this process


class Held:
    """The turn of one job. It is stopped at most once, and the reason is kept."""

    def __init__(self) -> None:
        self.why: Why | None = None
        self._turn: asyncio.Future[None] | None = None

    async def run(self, turn: Awaitable[None]) -> None:
        """Run a turn in a task of its own; one that was stopped before it began is stopped at once.

        Raises:
            CancelledError: something in the turn cancelled it, so it came to no end.
        """
        self._turn = asyncio.ensure_future(turn)
        if self.why is not None:
            self._turn.cancel()
        await asyncio.wait([self._turn])
        if self._turn.cancelled() and self.why is not None:
            return
        self.why = None
        self._turn.result()

    def stop(self, why: Why) -> None:
        """Cancel the turn, unless that was done."""
        if self.why is None:
            self.why = why
            if self._turn is not None:
                self._turn.cancel()


class Worker:
    """Works on the runs of a queue, some of them at once."""

    def __init__(self, database: Database, queue: Queue, turns: Turns, hub: Hub, rhythm: Rhythm) -> None:
        self._database: Final = database
        self._queue: Final = queue
        self._turns: Final = turns
        self._hub: Final = hub
        self._rhythm: Final = rhythm
        self._at_work: Final = dict[UUID, Held]()
        self._working: asyncio.Task[None] | None = None
        self._began_at = monotonic()
        self._must_go = False

    @property
    def lease_seconds(self) -> float:
        """Return for how long a worker may be silent."""
        return self._rhythm.lease_seconds

    @property
    def is_silent(self) -> bool:
        """Say whether it should work and has given no sign of life for a whole lease."""
        heard = max(self._began_at, self._queue.beat_at)
        return self._working is not None and monotonic() - heard > self.lease_seconds

    def start(self) -> None:
        """Begin to take runs from the queue."""
        self._began_at = monotonic()
        turn = self._database.precedence.turn_of_long
        self._working = lasting("worker", lambda: self._queue.work(self._work, self._rhythm, turn))

    async def stop(self) -> None:
        """Take nothing more, let turns end while the worker drains, and put the rest down for other workers."""
        self._queue.stop()
        if self._working is not None:
            await asyncio.wait([self._working], timeout=self._rhythm.drain_seconds + RELEASE_SECONDS)
            self._must_go = True
            self._working.cancel()
            await asyncio.wait([self._working])

    async def _work(self, job: Job, is_cancelled: Callable[[], bool]) -> None:
        """Work on a job. Cancelling this stops the turn; how it ended is written down all the same."""
        held = Held()
        work = asyncio.create_task(self._attempt(job, held), name=f"run {job.run_id}")
        while not work.done():
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError:
                held.stop(Why.CANCELLED if is_cancelled() else Why.RELEASED)
        work.result()

    async def _attempt(self, job: Job, held: Held) -> None:
        """Take a job's run, if it is still to be had, and bring it to its end.

        Raises:
            JobLeft: it did not come to an end; the queue is to give it out again.
        """
        with about(job.run_id), behind_those_at_work():
            await self._named_attempt(Identity(job.user_id, job.run_id, job.attempt + 1), job, held)

    async def _named_attempt(self, identity: Identity, job: Job, held: Held) -> None:
        try:
            run = await self._claim(job)
            if run is not None:
                with self._last_attempt(run.id, held):
                    await self._hold(identity, run, held)
        except Fenced:
            log.info("The run is held by another attempt")
        except DatabaseUnavailable:
            await self._put_down_when_possible(identity)
        except PersistenceError as error:
            log.warning("The run is left to another attempt: %s", error)
            raise JobLeft from None
        except Exception as error:  # noqa: BLE001 - else the queue would log it with its text
            log.error("The run could not be taken or ended: %s", traced(error))  # noqa: TRY400
            raise JobLeft from None

    @contextmanager
    def _last_attempt(self, run_id: UUID, held: Held) -> Generator[None]:
        """Stop the attempt before, should this process still be at it: it could wait for a silent database for long."""
        if (before := self._at_work.get(run_id)) is not None:
            before.stop(Why.LOST)
        self._at_work[run_id] = held
        try:
            yield
        finally:
            if self._at_work.get(run_id) is held:
                del self._at_work[run_id]

    async def _claim(self, job: Job) -> Run | None:
        async with self._database.acting(Role.WORKER, Identity(job.user_id)) as scope:
            scope.ends_with_next()
            return await runs.claim(scope, job.run_id, job.attempt, job.id, self._rhythm.of_one_person)

    async def _hold(self, identity: Identity, run: Run, held: Held) -> None:
        told = partial(self._hub.told, run.id)
        if run.cancel_requested_at is not None:
            await self._turns.end_cancelled(identity, told)
        elif run.crashes >= ATTEMPTS_MAX:
            await self._turns.end_failed(identity, told, "attempts_exhausted", retryable=True)
        else:
            await self._conduct(identity, told, held)

    async def _conduct(self, identity: Identity, told: Told, held: Held) -> None:
        """Run the turn, and write down how it ended if it did not do so itself."""
        began = monotonic()
        log.info("Attempt %s begins", identity.attempt)
        try:
            await held.run(self._turns.run(identity, told))
            log.info("The attempt is over after %.2f s", monotonic() - began)
        except CancelRequested:
            held.why = Why.CANCELLED
        except PersistenceError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a turn dies of, its run gets an end
            log.error("The run ended by an error nobody foresaw: %s", traced(error))  # noqa: TRY400
            await self._turns.end_failed(identity, told, "internal", retryable=True)
            return
        if held.why is Why.CANCELLED:
            await self._turns.end_cancelled(identity, told)
        elif held.why is Why.RELEASED:
            await self._put_down(identity)

    async def _put_down(self, identity: Identity) -> None:
        assert identity.run_id is not None, "the identity of a held run names it"
        async with self._database.acting(Role.WORKER, identity) as scope:
            await runs.put_down(scope, identity.run_id, self._queue.successor)

    async def _put_down_when_possible(self, identity: Identity) -> None:
        """Give a run back whose database went away, as soon as that answers again.

        Raises:
            JobLeft: the run is not held, or the process had to stop before.
        """
        while not self._must_go:
            try:
                return await self._put_down(identity)
            except DatabaseUnavailable:
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            except PersistenceError:
                break
        raise JobLeft from None
