"""`/metrics`: numbers for Prometheus, for whoever may administer."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST

from server.auth import requires
from server.dependencies import TheServer
from server.metrics import exposition
from server.scopes import Scope

router: Final = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
async def metrics(planwright: TheServer, _: Annotated[UUID, Depends(requires(Scope.ADMIN))]) -> Response:
    """Return this process's numbers, and those that all processes share."""
    return Response(await exposition(planwright), media_type=CONTENT_TYPE_LATEST)
