"""`/api/agent/sessions`: list sessions and the runs of one; rename it, choose whether its writes wait, delete it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request

from persistence.place import Place
from persistence.record import sessions
from persistence.record.sessions import Session
from persistence.runs import listing, waiting
from persistence.runs.listing import Wanted
from persistence.runs.waiting import AtWork
from persistence.scope import Identity, Role
from server.auth import SignedIn
from server.bodies import Id, SessionChange
from server.columns import columns_of
from server.dependencies import TheServer
from server.door import body_of
from server.openapi import body_as, refusing
from server.paging import Search, ThePage
from server.refusals import Refused
from server.routes.runs import RunList, place_of
from server.run_rows import rows_of
from server.stopping import delete_session

router: Final = APIRouter(prefix="/api/agent/sessions", tags=["sessions"])


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that has not ended."""

    id: UUID
    status: str


@dataclass(frozen=True, slots=True)
class ListedSession(Session):
    """A session of a list, and the run that is at work in it, or will be next."""

    run: Unfinished | None


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A page of active sessions, the one last used first; `next` goes on behind it."""

    sessions: list[ListedSession]
    next: str | None


@router.get("")
async def listed(planwright: TheServer, user_id: SignedIn, page: ThePage, search: Search = "") -> SessionPage:
    """List active sessions, the one last used first, or those whose title contains a text."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        found = await sessions.page(scope, search, page.after, page.rows)
        shown = page.shown(found)
        at_work = await waiting.first_of(scope, [session.id for session in shown])
    return SessionPage(_with_runs(shown, at_work), page.next(found, _place_of))


@router.get("/{session_id}/runs")
async def runs_of(planwright: TheServer, user_id: SignedIn, session_id: Id, page: ThePage) -> RunList:
    """List the runs of a session, newest first."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        if await sessions.find(scope, session_id) is None:
            raise Refused("not_found")
        found = await listing.of_session(scope, session_id, Wanted(), page.after, page.rows)
        return RunList(await rows_of(scope, page.shown(found)), page.next(found, place_of))


def _with_runs(shown: Sequence[Session], at_work: Sequence[AtWork]) -> list[ListedSession]:
    runs = {run.session_id: Unfinished(run.id, run.status) for run in at_work}
    return [ListedSession(**columns_of(session), run=runs.get(session.id)) for session in shown]


def _place_of(session: Session) -> Place:
    return Place(session.last_message_at, session.id)


@router.patch("/{session_id}", responses=refusing("title_empty"), openapi_extra=body_as(SessionChange))
async def change(request: Request, planwright: TheServer, user_id: SignedIn, session_id: Id) -> Session:
    """Give a session another title, another mode of approvals, or both; a run at work keeps the mode it began with."""
    wanted = await body_of(request, SessionChange)
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        session = await sessions.change(scope, session_id, wanted.title, wanted.approvals)
    if session is None:
        raise Refused("not_found")
    return session


@router.delete("/{session_id}", status_code=204)
async def delete(planwright: TheServer, user_id: SignedIn, session_id: Id) -> None:
    """Stop what runs in a session and delete it, with everything that belongs to it."""
    if not await delete_session(planwright, user_id, session_id):
        raise Refused("not_found")
