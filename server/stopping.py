"""Stopping runs because a person says so: one run, or all of a session that is deleted."""

from enum import Enum, auto
from time import monotonic
from typing import Final
from uuid import UUID

from nodes.vocabulary.events import Done, FinishedReason, UsageBody, encoded
from persistence.record import sessions
from persistence.runs import runs, waiting
from persistence.runs.events import KeyedEvent
from persistence.runs.runs import Run
from persistence.scope import Identity, Role
from server.tail import wait_at_most
from server.wiring import Planwright

PATIENCE_SECONDS: Final = 2.0  # that an answer waits for the run's end; a worker in this process needs milliseconds
LOOK_AGAIN_SECONDS: Final = 0.25


class Stopped(Enum):
    """What came of the wish to stop a run."""

    ASKED = auto()
    FINISHED_BEFORE = auto()
    NOT_THERE = auto()


async def stop_run(planwright: Planwright, user_id: UUID, run_id: UUID) -> Stopped:
    """Ask for a run to be stopped, and wait a moment for its end.

    A run that no worker took ends here and now. Of another no call can start once
    this is committed, wherever it is worked on; its worker writes its end down.
    """
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        run = await runs.find(scope, run_id)
        if run is None:
            return Stopped.NOT_THERE
        if not await waiting.cancel_queued(scope, run_id, _nothing_done()) and not await runs.request_cancel(
            scope, run_id
        ):
            return Stopped.FINISHED_BEFORE
    planwright.hub.told(run_id)
    await _ended(planwright, user_id, run_id)
    return Stopped.ASKED


async def delete_session(planwright: Planwright, user_id: UUID, session_id: UUID) -> bool:
    """Stop what runs in a session, then delete it with everything in it; False when there is none."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        unfinished = await waiting.unfinished_in(scope, session_id)
    for run in reversed(unfinished):  # the last in the queue first, so that none moves up meanwhile
        await stop_run(planwright, user_id, run.run_id)
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        deleted = await sessions.delete(scope, session_id)
    for run in unfinished:
        planwright.hub.told(run.run_id)
    return deleted


def _nothing_done() -> KeyedEvent:
    usage = UsageBody(prompt_tokens=0, completion_tokens=0, total_tokens=0)
    event = Done(usage=usage, finished_reason=FinishedReason.CANCELLED)
    return KeyedEvent("end", event.type, encoded(event))


async def _ended(planwright: Planwright, user_id: UUID, run_id: UUID) -> None:
    """Return when the run has ended, or after `PATIENCE_SECONDS`."""
    give_up = monotonic() + PATIENCE_SECONDS
    with planwright.hub.listening(run_id) as news:
        while monotonic() < give_up:
            news.clear()
            run = await _found(planwright, user_id, run_id)
            if run is None or run.finished:
                return
            await wait_at_most(news, LOOK_AGAIN_SECONDS)


async def _found(planwright: Planwright, user_id: UUID, run_id: UUID) -> Run | None:
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        return await runs.find(scope, run_id)
