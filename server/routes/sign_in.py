"""`/api/auth/session`: the web page's session, for a one-time link or a bearer token; and the link's own page."""

import secrets
import time
from datetime import timedelta
from importlib.resources import files
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from persistence.record import credentials
from persistence.record.credentials import Kind
from persistence.scope import Identity, Role
from server.auth import Caller, TheCaller, bearer_of, failures_counted
from server.bodies import Code
from server.cookies import BY_BEARER, is_from_foreign_page, set_session
from server.credentials import digest_of, is_ours, mint
from server.dependencies import TheServer
from server.door import body_of
from server.openapi import OPEN, body_as, refusing
from server.refusals import Refused, SignInRefused
from server.wiring import Planwright

SESSION_DAYS: Final = 7
SESSION_LIVES: Final = timedelta(days=SESSION_DAYS)
PAGE: Final = files("server").joinpath("static/sign_in.html").read_text("utf-8")
NONCE: Final = "{nonce}"

router: Final = APIRouter(tags=["sign-in"])


@router.get("/sign-in", response_class=HTMLResponse, openapi_extra=OPEN)
async def landing() -> HTMLResponse:
    """Give the page of the one-time link. The code stands behind the `#`, which browsers send to nobody."""
    nonce = secrets.token_urlsafe(16)
    policy = f"default-src 'none'; script-src 'nonce-{nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'"
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(PAGE.replace(NONCE, nonce), headers=headers)


@router.post(
    "/api/auth/session", status_code=204, openapi_extra=body_as(Code) | {"security": [{"bearer": list[str]()}, {}]}
)
async def open_session(request: Request, planwright: TheServer) -> Response:
    """Open a session: for the bearer of a token, until that expires; else for the code of a one-time link."""
    if is_from_foreign_page(request):
        raise Refused("cross_site")
    session = mint(planwright.sign_in.credential_key, Kind.SESSION)
    with failures_counted(request, planwright):
        headers = request.headers.getlist("authorization")
        if headers:
            lives = await _for_bearer(planwright, await bearer_of(planwright, headers), session)
        else:
            lives = await _for_link(planwright, (await body_of(request, Code)).code, session)
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    set_session(request, response, session, int(lives.total_seconds()))
    return response


async def _for_bearer(planwright: Planwright, caller: Caller, session: str) -> timedelta:
    lives = min(SESSION_LIVES, timedelta(seconds=caller.expires_at - time.time()))
    if lives <= timedelta():  # a token in its last seconds, taken since clocks differ
        raise SignInRefused
    async with planwright.database.acting(Role.API, Identity(caller.user_id)) as scope:
        await credentials.add(
            scope,
            Kind.SESSION,
            digest_of(session),
            sorted(caller.scopes),
            lives,
            name=BY_BEARER,
            made_with=caller.credential_id,
        )
    return lives


async def _for_link(planwright: Planwright, code: str, session: str) -> timedelta:
    if not is_ours(planwright.sign_in.credential_key, Kind.LINK, code):
        raise SignInRefused
    async with planwright.database.acting(Role.API, Identity(UUID(int=0))) as scope:
        if not await credentials.open_session(scope, digest_of(code), digest_of(session), SESSION_LIVES):
            raise SignInRefused
    return SESSION_LIVES


@router.delete("/api/auth/session", status_code=204, responses=refusing("not_found"))
async def close_session(request: Request, planwright: TheServer, caller: TheCaller) -> Response:
    """Sign the page out: its cookie is good for nothing any more, and its streams end."""
    if caller.credential_id is None or "authorization" in request.headers:
        raise Refused("not_found")
    async with planwright.database.acting(Role.API, Identity(caller.user_id)) as scope:
        await credentials.remove(scope, caller.credential_id)
    response = Response(status_code=204)
    set_session(request, response, "", 0)
    return response
