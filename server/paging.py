"""Lists in pages: how many rows, and behind which one.

`next` of a page is the place of its last row, and goes back as `after`. What is in it is
nobody's business but ours; a place that was made up shows nobody anything but their own rows.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AfterValidator

from persistence.place import Place
from persistence.text import is_storable
from server.refusals import Refused

ROWS_MAX: Final = 100
ROWS_USUAL: Final = 50
SEARCH_MAX_CHARS: Final = 200
PLACE_MAX_CHARS: Final = 200

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted."""

    limit: int
    after: Place | None

    @property
    def rows(self) -> int:
        """Return how many rows to ask for: one more than are shown says that the list goes on."""
        return self.limit + 1

    def shown(self, found: Sequence[Row]) -> list[Row]:
        """Return the rows of this page."""
        return list(found[: self.limit])

    def next(self, found: Sequence[Row], place: Callable[[Row], Place]) -> str | None:
        """Return where the next page begins; None at the end of the list."""
        return _encoded(place(found[self.limit - 1])) if len(found) > self.limit else None


async def page_of(
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = ROWS_USUAL,
    after: Annotated[str, Query(description="`next` of the page before")] = "",
) -> Page:
    """Return the part of a list that is asked for.

    Raises:
        Refused: `after` is not where a page ended.
    """
    return Page(limit, _decoded(after) if after else None)


def _storable(text: str) -> str:
    if not is_storable(text):
        raise Refused("illegal_character")
    return text


ThePage = Annotated[Page, Depends(page_of)]
Search = Annotated[
    str,
    Query(max_length=SEARCH_MAX_CHARS, description="A text that they contain, in any case; no character is a wildcard"),
    AfterValidator(_storable),
]


def _encoded(place: Place) -> str:
    return urlsafe_b64encode(f"{place.at.isoformat()} {place.id}".encode()).decode().rstrip("=")


def _decoded(text: str) -> Place:
    """Return the place that a text stands for, which is spelled in one way only."""
    if len(text) > PLACE_MAX_CHARS:
        raise Refused("bad_page")
    try:
        at, _, row_id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(" ")
        place = Place(datetime.fromisoformat(at), UUID(row_id))
    except ValueError:
        raise Refused("bad_page") from None
    if place.at.tzinfo is None or _encoded(place) != text:
        raise Refused("bad_page")
    return place
