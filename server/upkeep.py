"""What has to be done now and then, for all people: ending what waited too long, removing what was kept long enough.

Every process that works on runs looks once a minute, and one of them does it. What
it does is done in small transactions, so it can stop anywhere and go on elsewhere.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from persistence import retention
from persistence.errors import PersistenceError
from persistence.lasting import lasting
from persistence.pools import Database
from persistence.runs import charges, overdue
from persistence.scope import Identity, Role, Scope

ROUND_SECONDS: Final = 60.0  # how late an approval runs out; expiring by days could wait longer
SPACING: Final = timedelta(seconds=ROUND_SECONDS / 2)  # between two rounds, whichever processes do them
BATCH: Final = 100  # runs or sessions in one transaction: well below a second
BATCHES_MAX: Final = 50  # in one round; what is left waits for the next
NOBODY: Final = Identity(UUID(int=0))  # sees no rows; only the functions of the owner do

Expire = Callable[[Scope, timedelta, int], Awaitable[int]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeping:
    """For how many days a finished run's events and a session's checkpoints are kept; 0 is for ever."""

    event_days: int
    checkpoint_days: int


class Upkeep:
    """The upkeep that one process offers to do."""

    def __init__(self, database: Database, keeping: Keeping) -> None:
        self._database: Final = database
        self._keeping: Final = keeping
        self._working: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with a round now, and do one each minute, unless others do."""
        self._working = lasting("upkeep", self._rounds)

    async def stop(self) -> None:
        """Stop, in the middle of a round too."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])

    async def _rounds(self) -> None:
        while True:
            try:
                if await self._is_my_turn():
                    await self.round()
            except PersistenceError as error:
                log.warning("Upkeep is left to the next round: %s", error)
            await asyncio.sleep(ROUND_SECONDS)

    async def _is_my_turn(self) -> bool:
        async with self._database.acting(Role.WORKER, NOBODY) as scope:
            return await retention.begin_round(scope, SPACING)

    async def round(self) -> None:
        """End approvals whose time is up, and remove what is older than it is kept."""
        await overdue.expire_due(self._database)
        await self._expire_charges()
        await self._expire(retention.expire_events, self._keeping.event_days)
        await self._expire(retention.expire_checkpoints, self._keeping.checkpoint_days)

    async def _expire_charges(self) -> None:
        async with self._database.acting(Role.WORKER, NOBODY) as scope:
            if impossible := await charges.expire(scope):
                log.error("%s charges were dated where none can be, and are removed", impossible)

    async def _expire(self, expire: Expire, days: int) -> None:
        """Remove batch after batch, until nothing is left or the round was long enough."""
        if days == 0:
            return
        for _ in range(BATCHES_MAX):
            async with self._database.acting(Role.WORKER, NOBODY) as scope:
                if not await expire(scope, timedelta(days=days), BATCH):
                    return
