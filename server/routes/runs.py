"""`/api/agent/runs`: list runs, read a trace, follow a log, stop a run."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from persistence.runs import runs
from persistence.runs.runs import Run
from persistence.scope import Identity, Role
from server.auth import SignedIn, TheCaller
from server.bodies import Id
from server.cursor import cursor_of, standing
from server.dependencies import TheServer
from server.guarded import followed
from server.openapi import EVENTS
from server.refusals import Refused
from server.sse import EventStream
from server.stopping import Stopped, stop_run
from server.trace import Trace, trace_of
from server.wiring import Planwright

RUNS_SHOWN: Final = 50

router: Final = APIRouter(prefix="/api/agent/runs", tags=["runs"])


@dataclass(frozen=True, slots=True)
class RunList:
    """The newest runs, newest first."""

    runs: list[Run]


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as it stands now."""

    run: Run


@router.get("")
async def newest(planwright: TheServer, user_id: SignedIn) -> RunList:
    """List the newest runs."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        return RunList(await runs.newest(scope, RUNS_SHOWN))


@router.get("/{run_id}")
async def read(planwright: TheServer, user_id: SignedIn, run_id: Id) -> Trace:
    """Return the whole trace of a run."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        trace = await trace_of(scope, run_id)
    if trace is None:
        raise Refused("not_found")
    return trace


@router.get("/{run_id}/events", response_class=Response, responses=EVENTS)
async def follow(
    request: Request, planwright: TheServer, user_id: SignedIn, caller: TheCaller, run_id: Id
) -> EventStream:
    """Follow a run's log behind `Last-Event-ID` (or `?after=`), during the run and after it."""
    run = await _found(planwright, user_id, run_id)
    after = standing(run, cursor_of(request))
    return EventStream(followed(planwright, caller, run_id, after))


@router.post("/{run_id}/cancel", status_code=202)
async def cancel(planwright: TheServer, user_id: SignedIn, run_id: Id) -> RunState:
    """Stop a run; answered when it has ended, or after two seconds while it still does."""
    stopped = await stop_run(planwright, user_id, run_id)
    if stopped is Stopped.FINISHED_BEFORE:
        raise Refused("run_finished")
    return RunState(await _found(planwright, user_id, run_id))


async def _found(planwright: Planwright, user_id: UUID, run_id: UUID) -> Run:
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        run = await runs.find(scope, run_id)
    if run is None:
        raise Refused("not_found")
    return run
