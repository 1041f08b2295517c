"""An exception that nobody foresaw ends one request: it is answered with 500, and logged by its places alone.

Left to uvicorn it would be logged with its text, which may be a person's, or hold
a statement or a password.
"""

import logging
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from persistence.lasting import traced
from server.answers import answered
from server.refusals import Refused

log = logging.getLogger(__name__)


class Contained:
    """ASGI middleware that lets no exception out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that had begun is cut off, so that nobody takes it for whole."""
        began = False

        async def send_and_note(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001 - it would be logged with its text
            place = getattr(scope.get("route"), "path", "")
            log.error("%s %s ended by an error nobody foresaw: %s", scope["method"], place, traced(error))  # noqa: TRY400
            if not began:
                await answered(Refused("internal"))(scope, receive, send)
