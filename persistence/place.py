"""Where a list goes on: behind the row that was shown last.

A list that is ordered by a moment, the newest first, and by the id where two moments
are one, goes on behind any of its rows, whether or not that row is still there.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Place:
    """What a row is ordered by."""

    at: datetime
    id: UUID


def behind(place: Place | None) -> dict[str, datetime | UUID | None]:
    """Return the values of a statement that goes on behind a place, or begins."""
    return {"at": None, "id": None} if place is None else {"at": place.at, "id": place.id}
