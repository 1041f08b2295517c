"""Which of several failures at once ends the work."""

import pytest

from nodes.planning.cause import cause_of
from persistence.errors import CancelRequested, DatabaseUnavailable, Fenced

BROKEN, AWAY, STOPPED, LOST = KeyError("a tool"), DatabaseUnavailable(), CancelRequested(), Fenced()


@pytest.mark.parametrize(
    ("problems", "cause"),
    [
        pytest.param([BROKEN, AWAY], BROKEN, id="the first"),
        pytest.param([BROKEN, AWAY, STOPPED], STOPPED, id="a stop before what broke beside it"),
        pytest.param([STOPPED, BROKEN, LOST], LOST, id="that the run is another's before everything"),
    ],
)
def test_that_the_work_may_not_go_on_is_what_counts(problems: list[Exception], cause: Exception) -> None:
    """Steps that fail at once never hide that the run is to be stopped, or held by another attempt."""
    assert cause_of(ExceptionGroup("steps", problems)) is cause
