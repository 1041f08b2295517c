"""How a command reaches Planwright: over HTTP when a server is named, else in this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from server.terminal.backend import Backend, Reached
from server.terminal.settings import settings_or_usage


@asynccontextmanager
async def reached(by: Reached) -> AsyncGenerator[Backend]:
    """Open the way to Planwright.

    Raises:
        CommandFailed: it cannot be opened; the text says why and what to do.
    """
    settings = settings_or_usage()
    server, token = by.server or settings.server, by.token
    if server:
        from server.terminal.remote import RemoteBackend, client_for

        if token is None:
            token = settings.token.get_secret_value() if settings.token else ""
        async with client_for(server, token) as client:
            yield RemoteBackend(client)
    else:
        from server.terminal.local import opened_here

        async with opened_here(settings, by.user) as backend:
            yield backend
