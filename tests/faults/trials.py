"""How many trials, in which order of chance, and what came of them.

`make faults` sets FAULTS=full. A family's count can be given by itself
(FAULTS_KILL=30), and the seed by FAULTS_SEED; both are printed.
"""

import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import pytest

FULL: Final = os.environ.get("FAULTS") == "full"
SEED: Final = int(os.environ.get("FAULTS_SEED", "0")) or int(time.time())
ONLY: Final = os.environ.get("FAULTS_ONLY", "")
PROPERTY: Final = "faults"
MISSES_BORNE: Final = 3  # a run under load takes a few statements fewer than the one that was counted
IN_TIME: Final = pytest.mark.timeout(3600 if FULL else 120)
Point = TypeVar("Point", bound=tuple[object, ...])


def count(family: str, *, short: int, full: int) -> int:
    """Return how many trials a family makes."""
    return int(os.environ.get(f"FAULTS_{family.upper()}", full if FULL else short))


def chance(family: str) -> random.Random:
    """Return the family's own chance, the same for the same seed."""
    return random.Random(f"{SEED}:{family}")


def spread(points: Sequence[Point], wanted: int, rng: random.Random) -> list[Point]:
    """Return so many of the points, evenly spread, from a place that chance decides; all when there are fewer.

    FAULTS_ONLY keeps those that are told with these words, such as "complex, 3": for a closer look at one.
    """
    points = [point for point in points if ONLY in _words(point)]
    if wanted >= len(points):
        return list(points)
    width = len(points) / max(wanted, 1)
    start = rng.random() * width
    return [points[int(start + place * width)] for place in range(wanted)]


def _words(point: tuple[object, ...]) -> str:
    return ", ".join(str(part) for part in point)


def site_group(family: str) -> pytest.MarkDecorator:
    """Have a family's tests run on one site: the one of all families in the short form, its own in the full one."""
    return pytest.mark.xdist_group(f"faults-{family}" if FULL else "faults")


@dataclass
class Trials:
    """The trials of one family. Each is told as it ends; all problems are told at the end."""

    family: str
    successes: int = 0
    made: int = 0
    missed: int = 0
    figures: dict[str, str] = field(default_factory=dict[str, str])
    recoveries: list[float] = field(default_factory=list[float])
    problems: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        print(f"\n{self.family}: seed {SEED}")

    def each_of(self, points: Sequence[Point], wanted: int, rng: random.Random) -> Iterator[Point]:
        """Yield so many points, and another for each that did not come, until too many did not."""
        due = spread(points, wanted, rng)
        while due and self.missed < wanted + MISSES_BORNE:
            before = self.missed
            yield from due
            due = spread(points, self.missed - before, rng)

    def tell(self, point: str, problems: Sequence[str], *, recovery: float | None = None) -> None:
        """Take down how a trial went."""
        self.made += 1
        self.successes += not problems
        self.problems += [f"{point}: {problem}" for problem in problems]
        if recovery is not None:
            self.recoveries.append(recovery)
        took = "" if recovery is None else f", recovered in {recovery:.2f} s"
        print(f"  {self.made} {point}: {'; '.join(problems) or 'as without a fault'}{took}", flush=True)

    def miss(self, point: str) -> None:
        """Take down a trial whose point never came: it counts as made, and as no success."""
        self.made += 1
        self.missed += 1
        print(f"  {self.made} {point}: did not come", flush=True)

    def conclude(self, request: pytest.FixtureRequest, floor: int) -> None:
        """Hand in the family's row of the table, and fail when anything went wrong or too little went well.

        One trial at least has to go well, however few there are: a family whose points never came shows nothing.
        """
        floor = max(floor, 1)
        if self.recoveries:
            ordered = sorted(self.recoveries)
            worst = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
            self.figures["recovery p50/p99/max"] = f"{statistics.median(ordered):.2f}/{worst:.2f}/{ordered[-1]:.2f} s"
        row = (self.family, self.made, floor, self.successes, ", ".join(f"{k} {v}" for k, v in self.figures.items()))
        request.node.user_properties.append((PROPERTY, row))
        print(f"{self.family}: {self.successes} of {self.made} as without a fault, at least {floor}; {row[-1]}")
        assert not self.problems, "\n".join(self.problems)
        assert self.successes >= floor
