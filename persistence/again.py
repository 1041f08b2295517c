"""Doing a transaction again that another one got in the way of."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from persistence.errors import Conflict

TRIES: Final = 3  # whoever is undone for another's sake comes right after it, so the second try nearly always succeeds

T = TypeVar("T")


async def unless_in_conflict(transaction: Callable[[], Awaitable[T]]) -> T:
    """Do a whole transaction, up to `TRIES` times while it is undone for the sake of another.

    Raises:
        Conflict: it was every time.
    """
    for _ in range(TRIES - 1):
        try:
            return await transaction()
        except Conflict:
            continue
    return await transaction()
