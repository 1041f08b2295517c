"""Requests that two machines on the way could read differently are refused, before any route sees them.

A Host that is none or is doubled, and a body with two lengths: the second half of
such a body could pass for another person's request.
"""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.answers import answered
from server.refusals import BodyRefused

_HOST: Final = re.compile(r"([\w.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?", re.ASCII)


class Unambiguous:
    """ASGI middleware that lets through what can be read in one way only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        code = _fault(Headers(scope=scope))
        await (self._app if code is None else answered(BodyRefused(code)))(scope, receive, send)


def _fault(headers: Headers) -> str | None:
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _HOST.fullmatch(hosts[0]) is None:
        return "bad_host"
    return "bad_request" if "content-length" in headers and "transfer-encoding" in headers else None
