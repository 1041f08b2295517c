"""What is kept for a while only, of all people: the events of runs and LangGraph's checkpoints.

Row security shows a worker nobody's rows here. The functions of
`migrations/0011_retention.sql` look with the owner's eyes, each for one job, and
touch nothing that is younger than a day, whatever they are told.
"""

from datetime import timedelta

from persistence.scope import Scope


async def begin_round(scope: Scope, spacing: timedelta) -> bool:
    """Say whether to do a round now: of all that ask within `spacing`, one is told so."""
    return await scope.value(bool, "select begin_upkeep(%s)", (spacing,)) or False


async def expire_events(scope: Scope, older_than: timedelta, most: int) -> int:
    """Delete the logs of at most `most` runs that ended longer ago than that; return how many."""
    return await scope.value(int, "select expire_events(now() - %s, %s)", (older_than, most)) or 0


async def expire_checkpoints(scope: Scope, older_than: timedelta, most: int) -> int:
    """Delete checkpoints older than that, in the sessions of the `most` oldest; return how many.

    Sessions with a run that has not ended are left alone.
    """
    return await scope.value(int, "select expire_checkpoints(now() - %s, %s)", (older_than, most)) or 0
