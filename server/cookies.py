"""The cookie of the web page's session, and whose pages may use it.

A browser sends the cookie along whatever page makes the request. So where the
cookie signs in, the browser has to say that the request comes from a page of this
very origin: by `Sec-Fetch-Site`, which no page can set, else by `Origin`.
"""

from typing import Final

from fastapi import Request
from starlette.responses import Response

from server.loopback import is_loopback

NAME: Final = "planwright_session"
BY_BEARER: Final = "bearer"  # what the session of a page is named that a token opened
HOST_ONLY: Final = "__Host-"  # browsers take it over HTTPS only, and from no other host of the domain


def sessions_of(request: Request) -> list[str]:
    """Return every value that the request has for the session's cookie."""
    cookies = request.headers.getlist("cookie")
    if not cookies:
        return []
    name = _name(request)
    pairs = [pair.strip().partition("=") for held in cookies for pair in held.split(";")]
    return [value for found, _, value in pairs if found == name]


def set_session(request: Request, response: Response, value: str, seconds: int) -> None:
    """Have the browser keep a session; with no seconds, forget it."""
    response.set_cookie(
        _name(request),
        value,
        max_age=seconds,
        secure=not _is_local(request),
        httponly=True,
        samesite="strict",
    )


def is_from_own_page(request: Request, *, acting: bool) -> bool:
    """Say whether the browser says that a page of ours asks; typing an address in reads, and cannot act."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        return not acting
    own_site = site in {None, "same-origin"} or (site == "none" and not acting)
    return own_site and (origin is None or origin in _own_origins(request))


def is_from_foreign_page(request: Request) -> bool:
    """Say whether the browser says that somebody else's page asks; what is no browser says nothing."""
    named = "sec-fetch-site" in request.headers or "origin" in request.headers
    return named and not is_from_own_page(request, acting=True)


def _own_origins(request: Request) -> set[str]:
    host = request.headers["host"]
    return {f"https://{host}", f"http://{host}"} if _is_local(request) else {f"https://{host}"}


def _name(request: Request) -> str:
    return NAME if _is_local(request) else HOST_ONLY + NAME


def _is_local(request: Request) -> bool:
    """Say whether the page was opened on this machine; elsewhere it has to be HTTPS, whoever ends that."""
    return is_loopback(request.url.hostname or "")
