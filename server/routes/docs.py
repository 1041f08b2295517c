"""`/docs`: the API's documentation, from this server alone."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from server.api_docs import api_docs
from server.refusals import Refused

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FOR_EVER: Final = "public, max-age=31536000, immutable"  # the address changes with the files

router: Final = APIRouter(prefix="/docs", include_in_schema=False)


@router.get("")
async def page() -> HTMLResponse:
    """Give the page, which shows what `/openapi.json` says."""
    docs = await asyncio.to_thread(api_docs)
    return HTMLResponse(docs.page, headers={"Content-Security-Policy": POLICY})


@router.get("/{digest}/{name}")
async def file(request: Request, digest: str, name: str) -> Response:
    """Give one file of the page, compressed for who can take it so."""
    found = (await asyncio.to_thread(api_docs)).find(digest, name)
    if found is None:
        raise Refused("not_found")
    packed = "gzip" in request.headers.get("accept-encoding", "")
    coding = {"Content-Encoding": "gzip"} if packed else {}
    return Response(
        found.packed if packed else found.content,
        headers={"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding", **coding},
        media_type=found.kind,
    )
