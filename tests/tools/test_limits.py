"""How many rows a list shows."""

from hypothesis import given
from hypothesis import strategies as st

from tools.limits import clamped


@given(asked=st.integers(), most=st.integers(1, 100))
def test_a_limit_is_the_nearest_one_allowed(asked: int, most: int) -> None:
    """A limit within its bounds is taken as it is; another is moved to the nearest bound, and said so."""
    limit = clamped(asked, most)
    assert 1 <= limit.rows <= most
    assert abs(limit.rows - asked) == min(abs(bound - asked) for bound in {1, most, min(max(asked, 1), most)})
    assert (limit.note == "") is (limit.rows == asked)
