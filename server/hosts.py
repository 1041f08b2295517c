"""The Host header: one that is not a host is refused, before any route sees the request."""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from server.answers import answered
from server.refusals import Refused

_HOST: Final = re.compile(r"([\w.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?", re.ASCII)


class CheckedHost:
    """ASGI middleware that lets through what names a host."""

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        hosts = Headers(scope=scope).getlist("host")
        named = len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None
        await (self._app if named else answered(Refused("bad_host")))(scope, receive, send)
