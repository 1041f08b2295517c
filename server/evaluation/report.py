"""What verdicts come to: how often each respect was right, what it took, and what was wrong."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from server.evaluation.judging import Verdict

RESPECTS: Final = ("route", "tools", "effects", "facts")


@dataclass(frozen=True, slots=True)
class Report:
    """How one model did.

    Attributes:
        right: of the requests, how many were right in each respect.
        passed: how many were right in all of them.
        tokens: of all requests together, those said before them left out.
        p50_seconds, p95_seconds: from the acceptance of a request to the end of its run.
    """

    model: str
    requests: int
    right: Mapping[str, int]
    passed: int
    tokens: int
    p50_seconds: float
    p95_seconds: float
    wrong: Mapping[str, Mapping[str, str]]

    @property
    def percent(self) -> float:
        """Return the share of requests that were right in all respects."""
        return 100 * self.passed / self.requests


def report_on(model: str, verdicts: Sequence[Verdict]) -> Report:
    """Sum up the verdicts on at least one request."""
    seconds = [verdict.outcome.seconds for verdict in verdicts]
    return Report(
        model=model,
        requests=len(verdicts),
        right={respect: sum(respect not in verdict.wrong for verdict in verdicts) for respect in RESPECTS},
        passed=sum(not verdict.wrong for verdict in verdicts),
        tokens=sum(verdict.outcome.tokens for verdict in verdicts),
        p50_seconds=statistics.median(seconds),
        p95_seconds=_percentile(seconds, 95),
        wrong={verdict.request.id: dict(verdict.wrong) for verdict in verdicts if verdict.wrong},
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many percent of them do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
