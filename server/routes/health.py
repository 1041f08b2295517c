"""`/health`: whether the process lives, and whether it can serve; and the schema of the events."""

from typing import Final

from fastapi import APIRouter
from pydantic import JsonValue

from nodes.vocabulary.events import EVENT
from server.dependencies import TheServer
from server.openapi import OPEN, refusing
from server.refusals import Unavailable

router: Final = APIRouter(tags=["health"])


@router.get("/health/live", openapi_extra=OPEN)
async def live() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "live"}


@router.get("/health/ready", responses=refusing("not_ready"), openapi_extra=OPEN)
async def ready(planwright: TheServer) -> dict[str, str]:
    """Say whether a message sent now would be stored, worked on and answered; `degraded` with keys that may be old."""
    if (fault := await planwright.fault()) is not None:
        raise Unavailable("not_ready", fault)
    keys = planwright.sign_in.keys
    return {"status": "ready" if keys is None or keys.failure is None else "degraded"}


@router.get("/api/agent/events.schema.json", openapi_extra=OPEN)
async def events_schema() -> dict[str, JsonValue]:
    """Return the JSON Schema of one event."""
    return EVENT.json_schema(mode="serialization")
