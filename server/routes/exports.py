"""`/api/agent/runs/{run_id}/export` and `/compare/{other_id}`: take a run away, put it beside another."""

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from persistence.scope import Identity, Role
from server.auth import SignedIn
from server.bodies import Id
from server.comparing import Comparison, compared
from server.dependencies import TheServer
from server.exports.bundle import Bundle, as_json, bundle_of
from server.exports.page import page_of
from server.openapi import Schema
from server.refusals import Refused
from server.wiring import Planwright

FILES: Final[dict[int | str, Schema]] = {
    200: {
        "description": "The run as a file: a page without script, or a JSON document.",
        "content": {"text/html": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}},
    }
}

Form = Annotated[Literal["html", "json"], Query(alias="as")]

router: Final = APIRouter(prefix="/api/agent/runs", tags=["runs"])


@router.get("/{run_id}/export", response_class=Response, responses=FILES)
async def export(planwright: TheServer, user_id: SignedIn, run_id: Id, as_: Form = "json") -> Response:
    """Return everything that is recorded of a run as one file, to be kept or shown to others."""
    bundle = await _bundle(planwright, user_id, run_id)
    body, media_type = (page_of(bundle), "text/html") if as_ == "html" else (as_json(bundle), "application/json")
    headers = {"Content-Disposition": f'attachment; filename="planwright-run-{run_id}.{as_}"'}
    return Response(body, media_type=media_type, headers=headers)


@router.get("/{run_id}/compare/{other_id}")
async def compare(planwright: TheServer, user_id: SignedIn, run_id: Id, other_id: Id) -> Comparison:
    """Put two runs side by side: steps, tools, tokens, times, answers."""
    first, second = [await _bundle(planwright, user_id, one) for one in (run_id, other_id)]
    return compared(first, second)


async def _bundle(planwright: Planwright, user_id: UUID, run_id: UUID) -> Bundle:
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        bundle = await bundle_of(scope, run_id)
    if bundle is None:
        raise Refused("not_found")
    return bundle
