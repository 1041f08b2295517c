"""`/api/agent/sessions/{session_id}`: rename a session, choose whether its writes wait for a person, delete it."""

from typing import Final

from fastapi import APIRouter, Request

from persistence.record import sessions
from persistence.record.sessions import Session
from persistence.scope import Identity, Role
from server.auth import SignedIn
from server.bodies import Id, SessionChange
from server.dependencies import TheServer
from server.door import body_of
from server.openapi import body_as
from server.refusals import Refused
from server.stopping import delete_session

router: Final = APIRouter(prefix="/api/agent/sessions", tags=["sessions"])


@router.patch("/{session_id}", openapi_extra=body_as(SessionChange))
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
