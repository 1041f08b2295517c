"""`/api/agent/runs/{run_id}/replay` and `/fork`: make a run from the record of another."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request

from persistence.runs.runs import Run
from server.auth import SignedIn
from server.bodies import Fork, Id
from server.dependencies import TheServer
from server.door import body_of
from server.openapi import body_as, refusing
from server.refusals import Unavailable
from server.rerunning import fork, replay

router: Final = APIRouter(prefix="/api/agent/runs", tags=["runs"])


@dataclass(frozen=True, slots=True)
class NewRun:
    """The run that was made; its events are at `/api/agent/runs/{id}/events`."""

    run: Run


@router.post(
    "/{run_id}/replay",
    status_code=202,
    responses=refusing("not_ready", "record_incomplete", "run_not_finished", "too_many_requests"),
)
async def play_again(planwright: TheServer, user_id: SignedIn, run_id: Id) -> NewRun:
    """Let a run happen again from its record: no model is asked, and nothing is written to the workspace."""
    if planwright.stopping.is_set():
        raise Unavailable("not_ready")
    return NewRun(await replay(planwright.engine, user_id, run_id, planwright.queue))


@router.post(
    "/{run_id}/fork",
    status_code=202,
    responses=refusing(
        "message_empty",
        "message_exceeds_budget",
        "message_too_long",
        "not_ready",
        "record_incomplete",
        "run_not_finished",
        "tokens_spent",
        "too_many_requests",
        "unknown_model",
        "unknown_step",
    ),
    openapi_extra=body_as(Fork),
)
async def branch_off(request: Request, planwright: TheServer, user_id: SignedIn, run_id: Id) -> NewRun:
    """Let a run go another way: from a step on, with another message, or with another model."""
    wanted = await body_of(request, Fork)
    if planwright.stopping.is_set():
        raise Unavailable("not_ready")
    return NewRun(await fork(planwright.engine, user_id, run_id, wanted, planwright.queue))
