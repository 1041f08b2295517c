"""Whether a message that is sent now would be stored, worked on and answered; and if not, why not.

Anybody may ask, so one look at the database answers all who ask within a second.
"""

import asyncio
import logging
from time import monotonic
from typing import Final
from uuid import UUID

from persistence.errors import PersistenceError
from persistence.pools import Database
from persistence.scope import Identity, Role
from persistence.standing import Standing, standing
from server.worker import Worker

FRESH_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.0  # for the look; a pool that has no connection to spare for so long is exhausted
WAIT_MAX_SECONDS: Final = 300.0  # that a run waits for a worker; whoever sent it has left by then
NOBODY: Final = UUID(int=0)  # sees no rows

log = logging.getLogger(__name__)


class Readiness:
    """What is known of whether this process can serve."""

    def __init__(self) -> None:
        self._looking: Final = asyncio.Lock()
        self._looked_at = float("-inf")
        self._fault: str | None = None

    async def fault(self, database: Database, worker: Worker, queue: str) -> str | None:
        """Return why this process is not ready, in one sentence that may be shown to anybody; None when it is."""
        async with self._looking:
            if monotonic() - self._looked_at > FRESH_SECONDS:
                before, self._fault = self._fault, await _look(database, worker, queue)
                self._looked_at = monotonic()
                if self._fault != before:
                    log.warning("%s", self._fault or "Ready again")
            return self._fault


async def _look(database: Database, worker: Worker, queue: str) -> str | None:
    if worker.is_silent:
        return "The worker of this process gives no sign of life."
    try:
        async with asyncio.timeout(ANSWER_SECONDS), database.acting(Role.API, Identity(NOBODY)) as scope:
            return _fault_of(await standing(scope, queue, worker.lease_seconds))
    except (PersistenceError, TimeoutError):
        return "The database does not answer in time."


def _fault_of(stands: Standing) -> str | None:
    if not stands.writable:
        return "The database takes no writes."
    if not stands.is_of_this_release:
        return "The database’s schema is of an older release."
    if stands.oldest_seconds > WAIT_MAX_SECONDS:
        return "Runs wait too long for a worker."
    return None
