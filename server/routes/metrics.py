"""`/metrics`: numbers for Prometheus, for whoever is signed in."""

from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from server.auth import SignedIn
from server.dependencies import TheServer
from server.metrics import exposition

router: Final = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response)
async def metrics(planwright: TheServer, _: SignedIn) -> Response:
    """Return this process's numbers, and those that all processes share."""
    return Response(await exposition(planwright), media_type=CONTENT_TYPE_LATEST)
