"""Requests that two machines on the way could read differently are refused, before any route sees them.

A Host that is none or is doubled; a body with two lengths, or in a coding other than
chunks, whose second half could pass for another person's request; an address that is
spelled in a roundabout way, which a rule in front of us would not recognise; a version
of HTTP that is not spoken here; and more headers than anybody sends.
"""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.answers import answered
from server.refusals import BodyRefused

HEADERS_MAX: Final = 100
HEADERS_MAX_BYTES: Final = 32 * 1024

_HOST: Final = re.compile(r"([\w.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?", re.ASCII)


class Unambiguous:
    """ASGI middleware that lets through what can be read in one way only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        code = _fault(scope)
        await (self._app if code is None else answered(BodyRefused(code)))(scope, receive, send)


def _fault(scope: Scope) -> str | None:
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _HOST.fullmatch(hosts[0]) is None:
        return "bad_host"
    if "content-length" in headers and "transfer-encoding" in headers:
        return "bad_request"
    if (codings := headers.getlist("transfer-encoding")) and (codings != ["chunked"] or scope["http_version"] == "1.0"):
        return "bad_request"
    if scope["http_version"] not in {"1.0", "1.1"}:
        return "bad_request"
    if len(headers) > HEADERS_MAX or sum(len(name) + len(value) for name, value in headers.raw) > HEADERS_MAX_BYTES:
        return "headers_too_large"
    return None if scope["raw_path"] == scope["path"].encode() else "not_found"
