"""`/health`: whether the process lives, and whether it can serve; and the schema of the events."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import JsonValue

from nodes.vocabulary.events import EVENT
from persistence.errors import PersistenceError
from server.auth import may_sign_in
from server.dependencies import TheServer
from server.refusals import Unavailable

router: Final = APIRouter(tags=["health"])


@router.get("/health/live")
async def live() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "live"}


@router.get("/health/ready")
async def ready(planwright: TheServer) -> dict[str, str]:
    """Say whether a message sent now would be accepted; with keys that may be outdated, `degraded`."""
    keys = planwright.sign_in.keys
    if planwright.stopping.is_set() or (keys is not None and not len(keys)):
        raise Unavailable("not_ready")
    try:
        await may_sign_in(planwright.database, UUID(int=0))
    except PersistenceError:
        raise Unavailable("not_ready") from None
    return {"status": "ready" if keys is None or keys.failure is None else "degraded"}


@router.get("/api/agent/events.schema.json")
async def events_schema() -> dict[str, JsonValue]:
    """Return the JSON Schema of one event."""
    return EVENT.json_schema(mode="serialization")
