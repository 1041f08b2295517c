"""What is still written down when a turn is cancelled: a few rows, however often it is cancelled meanwhile."""

import asyncio
from collections.abc import Coroutine


async def written_down(last: Coroutine[None, None, None]) -> None:
    """Do this to its end, which the database's own limits bound; only then let a cancel through.

    Raises:
        CancelledError: the task was cancelled meanwhile.
        PersistenceError: it was not, and the database did not take it.
    """
    writing = asyncio.ensure_future(last)
    cancelled: asyncio.CancelledError | None = None
    while not writing.done():
        try:
            await asyncio.wait({writing})
        except asyncio.CancelledError as again:
            cancelled = again
    if cancelled is not None:
        writing.exception()  # a cancel is not turned into another failure; the end of the run closes what stays open
        raise cancelled
    writing.result()
