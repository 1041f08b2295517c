"""Which of several failures at once is the one that ends the work."""

from typing import Final

from persistence.errors import CancelRequested, Fenced

LEAVE: Final = (Fenced, CancelRequested)  # the run is another's, or to be stopped


def cause_of(problems: ExceptionGroup[Exception]) -> Exception:
    """Return the first failure, unless one says that this attempt may not go on: that says more than the others."""
    for kind in LEAVE:
        for problem in problems.exceptions:
            if isinstance(problem, kind):
                return problem
    return problems.exceptions[0]
