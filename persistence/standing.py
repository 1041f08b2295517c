"""How the installation stands, in numbers over all people: for readiness and metrics.

The functions of `migrations/0017_standing.sql` look with the owner's eyes and tell nothing of anybody.
"""

from dataclasses import dataclass
from functools import cache

from persistence.migrate import migrations
from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class Standing:
    """The database, and a queue in it: how many jobs wait there, and for how long the one that waits longest."""

    writable: bool
    migrations: list[str]
    waiting: int
    oldest_seconds: float
    workers: int

    @property
    def is_of_this_release(self) -> bool:
        """Say whether the schema is the one that this release knows; a newer one has been migrated meanwhile."""
        return _known() <= set(self.migrations)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many runs have a status."""

    status: str
    runs: int


@cache
def _known() -> frozenset[str]:
    return frozenset(migration.name for migration in migrations())


async def standing(scope: Scope, queue: str, lease_seconds: float) -> Standing:
    """Return how the database stands; a worker that was silent for `lease_seconds` does not count."""
    return await scope.only(
        Standing,
        """
        select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as writable,
            migrations, waiting, oldest_seconds, workers
        from standing(%s, %s)
        """,
        (queue, lease_seconds),
    )


async def runs_by_status(scope: Scope) -> list[Counted]:
    """Return how many runs have not ended, and how many ended within an hour, by their status."""
    return await scope.all(Counted, "select status, runs from runs_by_status()")
