"""How a command reaches Planwright: over HTTP when a server is named, else in this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.terminal.backend import Backend
from server.terminal.settings import settings_or_usage


@dataclass(frozen=True, slots=True)
class Reached:
    """What the command line said about it: a server and a token, or in whose name to act here."""

    server: str | None
    token: str | None
    user: str | None


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
