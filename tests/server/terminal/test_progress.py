"""Without a terminal, progress is one plain line for each thing that happened."""

from itertools import pairwise

from nodes.vocabulary.view import fold
from server.terminal.progress import progress
from tests.told import RUN_OF_TWO_STEPS, arrivals


def test_a_run_in_lines() -> None:
    """Strategy, plan, steps, calls and the end each get a line, once."""
    told = [arrival for arrival in arrivals(*RUN_OF_TWO_STEPS) if arrival.payload]
    views = [fold(told[:count]) for count in range(len(told) + 1)]
    lines = [line for before, after in pairwise(views) for line in progress(before, after)]
    assert lines == [
        "Complex request · wide reading",
        "Plan, revision 1: 2 steps",
        "Step 1 working · Step 1",
        "Step 1, executor: list_tasks limit=5 · 7 ms · 5 tasks",
        "Step 1 done · Step 1",
        "Step 2 working · Step 2",
        "Step 2, planner: list_tasks limit=5 · 7 ms · 5 tasks",
        "Step 2 failed · Step 2 · no",
        "Done · 2 of 2 steps · 120 tokens",
    ]
