"""`/api/agent/runs`: list runs, read a trace, follow a log, stop a run."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from nodes.vocabulary.events import Strategy
from persistence.place import Place
from persistence.record import sessions
from persistence.runs import listing, runs
from persistence.runs.listing import Wanted
from persistence.runs.runs import Run, RunStatus
from persistence.scope import Identity, Role
from server.auth import SignedIn, TheCaller
from server.bodies import Id
from server.cursor import cursor_of, standing
from server.dependencies import TheServer
from server.guarded import followed
from server.openapi import EVENTS, header, refusing
from server.paging import Search, ThePage
from server.refusals import Refused
from server.run_rows import RunRow, rows_of
from server.sse import EventStream
from server.stopping import Stopped, stop_run
from server.trace import Trace, trace_of
from server.wiring import Planwright

router: Final = APIRouter(prefix="/api/agent/runs", tags=["runs"])


@dataclass(frozen=True, slots=True)
class RunList:
    """A page of runs, newest first; `next` goes on behind it."""

    runs: list[RunRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as it stands now."""

    run: Run


async def wanted_of(
    search: Search = "",
    status: Annotated[tuple[RunStatus, ...], Query()] = (),
    strategy: Annotated[tuple[Strategy, ...], Query()] = (),
    since: Annotated[AwareDatetime | None, Query(description="Accepted at this time or later")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Accepted before this time")] = None,
) -> Wanted:
    """Return which runs are looked for: those whose request contains a text, with one of the statuses, and so on."""
    return Wanted(search, status, strategy, since, until)


@router.get("")
async def listed(
    planwright: TheServer,
    user_id: SignedIn,
    page: ThePage,
    wanted: Annotated[Wanted, Depends(wanted_of)],
    session_id: Id | None = None,
) -> RunList:
    """List runs, newest first, of all sessions or of one."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        if session_id is None:
            found = await listing.page(scope, wanted, page.after, page.rows)
        else:
            if await sessions.find(scope, session_id) is None:
                raise Refused("not_found")
            found = await listing.of_session(scope, session_id, wanted, page.after, page.rows)
        return RunList(await rows_of(scope, page.shown(found)), page.next(found, place_of))


def place_of(run: Run) -> Place:
    """Return where a list of runs goes on behind one."""
    return Place(run.created_at, run.id)


@router.get("/{run_id}")
async def read(planwright: TheServer, user_id: SignedIn, run_id: Id) -> Trace:
    """Return the whole trace of a run."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        trace = await trace_of(scope, run_id)
    if trace is None:
        raise Refused("not_found")
    return trace


@router.get(
    "/{run_id}/events",
    response_class=Response,
    responses=EVENTS | refusing("bad_cursor", "events_expired"),
    openapi_extra=header("Last-Event-ID", "The number of the last event that the client has; `?after=` is the same."),
)
async def follow(
    request: Request, planwright: TheServer, user_id: SignedIn, caller: TheCaller, run_id: Id
) -> EventStream:
    """Follow a run's log behind `Last-Event-ID` (or `?after=`), during the run and after it."""
    run = await _found(planwright, user_id, run_id)
    after = standing(run, cursor_of(request))
    return EventStream(followed(planwright, caller, run_id, after))


@router.post("/{run_id}/cancel", status_code=202, responses=refusing("run_finished"))
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
