"""Arithmetic on stretches of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tools.spans import Span, joined, without

START = datetime(2026, 11, 24, tzinfo=UTC)


def span(first: int, last: int) -> Span:
    """Return a span by its minutes."""
    return Span(START + timedelta(minutes=first), START + timedelta(minutes=last))


def minutes(spans: list[Span]) -> set[datetime]:
    """Return every whole minute that the spans cover."""
    return {
        part.start + timedelta(minutes=n)
        for part in spans
        for n in range(int((part.end - part.start).total_seconds()) // 60)
    }


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda it: span(it[0], it[0] + it[1])))


@given(SPANS)
def test_joining_keeps_every_minute(spans: list[Span]) -> None:
    """Joined spans cover the same time, in order, with something between them."""
    result = joined(spans)
    assert minutes(result) == minutes(spans)
    assert all(one.end < other.start for one, other in pairwise(result))


@given(SPANS, SPANS)
def test_what_is_left_is_what_was_not_taken(spans: list[Span], taken: list[Span]) -> None:
    """What is left is every minute of the spans that is in nothing taken."""
    assert minutes(without(spans, taken)) == minutes(spans) - minutes(taken)


def test_a_moment_is_in_a_window_that_begins_there() -> None:
    """Something without length counts where it starts, and not where a window ends."""
    assert span(5, 5).touches(span(5, 9))
    assert not span(9, 9).touches(span(5, 9))
    assert not span(3, 5).touches(span(5, 9))
