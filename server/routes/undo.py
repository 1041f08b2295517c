"""`/api/agent/runs/{run_id}/undo`: take back what a run wrote."""

from typing import Final

from fastapi import APIRouter

from server.auth import SignedIn
from server.bodies import Id
from server.dependencies import TheServer
from server.openapi import refusing
from server.undoing import Undoing, undo_run

router: Final = APIRouter(prefix="/api/agent/runs", tags=["runs"])


@router.post("/{run_id}/undo", responses=refusing("run_not_finished"))
async def undo(planwright: TheServer, user_id: SignedIn, run_id: Id) -> Undoing:
    """Undo a run's writes as far as their rows are as the run left them; say what is left, and why."""
    return await undo_run(planwright.database, user_id, run_id)
