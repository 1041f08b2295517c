"""How close the schedule comes to the best possible time: `python -m tests.nodes.planning.critical_path`.

Runs 30 random plans of 5 to 14 steps, each step waiting a random time, and prints the
time each plan took over its critical path, beside what waves would take. It is
a measurement and no test: a busy machine makes it worse, and that proves nothing.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from statistics import mean, median
from typing import Final

from rich.console import Console

from nodes.planning.schedule import schedule

PLANS: Final = 30
STEPS: Final = range(5, 15)
WIDTH: Final = 8
MIN_SECONDS: Final = 0.02
MAX_SECONDS: Final = 0.20
SEED: Final = 20_261_122

Graph = Mapping[int, Sequence[int]]
Seconds = Mapping[int, float]


def random_graph(dice: random.Random) -> dict[int, list[int]]:
    """Return some steps that each wait for up to two earlier ones."""
    return {
        number: sorted(dice.sample(range(1, number), k=min(number - 1, dice.choice((0, 1, 1, 2)))))
        for number in range(1, dice.choice(STEPS) + 1)
    }


def critical_path(waits_for: Graph, seconds: Seconds) -> float:
    """Return the time of the longest chain: no schedule can be faster."""
    ends: dict[int, float] = {}
    for number in sorted(waits_for):
        ends[number] = seconds[number] + max((ends[before] for before in waits_for[number]), default=0.0)
    return max(ends.values())


def in_waves(waits_for: Graph, seconds: Seconds) -> float:
    """Return the time of a schedule that starts a wave when the whole wave before it has ended."""
    wave: dict[int, int] = {}
    for number in sorted(waits_for):
        wave[number] = 1 + max((wave[before] for before in waits_for[number]), default=0)
    return sum(max(seconds[number] for number in wave if wave[number] == each) for each in set(wave.values()))


async def makespan(waits_for: Graph, seconds: Seconds) -> float:
    """Return the time that the schedule takes."""

    async def act(number: int, _blocked_by: int | None) -> bool:
        await asyncio.sleep(seconds[number])
        return True

    began = time.perf_counter()
    await schedule(waits_for, act, settled={}, places=asyncio.Semaphore(WIDTH))
    return time.perf_counter() - began


async def main() -> None:
    """Measure and print."""
    dice = random.Random(SEED)
    scheduled: list[float] = []
    waves: list[float] = []
    against: list[float] = []
    for _ in range(PLANS):
        waits_for = random_graph(dice)
        seconds = {number: dice.uniform(MIN_SECONDS, MAX_SECONDS) for number in waits_for}
        best = critical_path(waits_for, seconds)
        took, waved = await makespan(waits_for, seconds), in_waves(waits_for, seconds)
        scheduled.append(took / best)
        waves.append(waved / best)
        against.append(took / waved)
    console = Console()
    console.print(f"{PLANS} plans of {STEPS.start} to {STEPS.stop - 1} steps, seed {SEED}")
    for name, ratios in (
        ("scheduled over critical path", scheduled),
        ("in waves over critical path", waves),
        ("scheduled over waves", against),
    ):
        console.print(f"{name:<28} mean {mean(ratios):.3f}, median {median(ratios):.3f}, worst {max(ratios):.3f}")


if __name__ == "__main__":
    asyncio.run(main())
