"""Streams that end when their reader may no longer read.

A token is checked when a stream is opened, and a run lasts for ten minutes at
most, so a token that merely expires ends nothing. A user who was disabled or
deleted, a token that was revoked and a page that signed out do.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from time import monotonic
from typing import Final
from uuid import UUID

from persistence.errors import DatabaseUnavailable, StatementTimedOut, StoodStill
from persistence.pools import Database
from persistence.record import credentials
from persistence.runs.events import LoggedEvent
from persistence.scope import Identity, Role
from server.auth import Caller
from server.tail import Told, batches, of_new_run
from server.wiring import Planwright

CHECK_SECONDS: Final = 10.0  # with a heartbeat's 15 and the 30 that a slow reader may take: below a minute


async def followed(
    planwright: Planwright, caller: Caller, run_id: UUID, after: int, *, known: LoggedEvent | None = None
) -> AsyncGenerator[Sequence[Told]]:
    """Follow a run's log behind `after`, as long as the caller may read it.

    The first event behind it is `known` to whoever just stored it, and need not be looked for.
    """
    log = planwright.database, caller.user_id, run_id
    events = batches(*log, after, planwright.hub) if known is None else of_new_run(*log, known, planwright.hub)
    async with aclosing(while_permitted(events, planwright.database, caller)) as permitted:
        async for batch in permitted:
            yield batch


async def while_permitted(
    events: AsyncGenerator[Sequence[Told]], database: Database, caller: Caller
) -> AsyncGenerator[Sequence[Told]]:
    """Yield events as long as the caller may read; then the stream ends, without a last event."""
    checked_at = monotonic()
    async with aclosing(events):
        async for batch in events:
            if monotonic() - checked_at >= CHECK_SECONDS:
                if not await _still_permitted(database, caller):
                    return
                checked_at = monotonic()
            yield batch


async def _still_permitted(database: Database, caller: Caller) -> bool:
    """Ask the database; one that is away is asked again later, as the stream itself waits for it."""
    try:
        async with database.acting(Role.API, Identity(caller.user_id)) as scope:
            return await credentials.still_holds(scope, caller.credential_id)
    except (DatabaseUnavailable, StatementTimedOut, StoodStill):
        return True
