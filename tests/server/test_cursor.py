"""Where a reader stands."""

import pytest

from server.cursor import cursor_of
from server.refusals import Refused


@pytest.mark.parametrize(("given", "cursor"), [([], 0), ([""], 0), (["0"], 0), (["1"], 1), (["9"], 9), (["09"], 9)])
def test_a_number_of_an_event_is_a_cursor(given: list[str], cursor: int) -> None:
    """Nothing, the empty text and 0 mean the beginning; a number up to the last event means what is behind it."""
    assert cursor_of(given, last_seq=9) == cursor


@pytest.mark.parametrize(
    "given", ["10", "-1", "+1", "1.5", "1e9", "abc", " 1", "1 ", "1\0", "٣", "1_0", "1" * 10_000, "0x1"]
)
def test_anything_else_is_refused(given: str) -> None:
    """A cursor that names no event of the run is refused before anything is sent."""
    with pytest.raises(Refused, match="cursor"):
        cursor_of([given], last_seq=9)


def test_two_cursors_are_none() -> None:
    """A cursor that is given twice is refused."""
    with pytest.raises(Refused):
        cursor_of(["1", "2"], last_seq=9)
