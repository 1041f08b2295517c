"""Lists in pages."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from persistence.place import Place
from server.paging import Page, page_of
from server.refusals import Refused

ROWS = [Place(datetime(2026, 11, 27, 9, 0, 0, n, UTC), UUID(int=n)) for n in range(5)]


def encoded(text: str) -> str:
    """Return a text as an `after` is spelled."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
async def test_next_goes_back_as_after(zone: timezone) -> None:
    """The place that a page ends with is the one that the next page begins behind, to the microsecond."""
    rows = [Place(row.at.astimezone(zone), row.id) for row in ROWS]
    first = Page(2, None)
    assert first.rows == 3
    assert first.shown(rows[:3]) == rows[:2]
    following = first.next(rows[:3], lambda row: row)
    assert following is not None
    assert await page_of(2, following) == Page(2, ROWS[1])


def test_the_last_page_has_no_next() -> None:
    """A list that ends with this page, full or not, is not gone on with."""
    assert Page(2, None).next(ROWS[:2], lambda row: row) is None
    assert Page(2, None).next(ROWS[:0], lambda row: row) is None


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "é",
        "=",
        "4",
        encoded("2026-11-27T09:00:00+00:00"),
        encoded(f"2026-11-27T09:00:00 {UUID(int=1)}"),
        encoded(f"2026-11-27 {UUID(int=1)}"),
        encoded(f"2026-11-27T09:00:00Z {UUID(int=1)}"),
        encoded(f"2026-11-27T09:00:00+00:00 {{{UUID(int=1)}}}"),
        encoded(f"2026-11-27T09:00:00+00:00 {UUID(int=1)} "),
        encoded(f"2026-11-27T09:00:00+00:00 {UUID(int=1)}") + "=",
        "A" * 100_000,
    ],
)
async def test_a_place_that_no_page_ended_with_is_refused(after: str) -> None:
    """What is spelled as no `next` ever is, is refused."""
    with pytest.raises(Refused) as refusal:
        await page_of(10, after)
    assert (refusal.value.status, refusal.value.code) == (400, "bad_page")
