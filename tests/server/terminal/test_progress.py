"""Without a terminal, progress is one plain line for each thing that happened."""

from itertools import pairwise

from pydantic import JsonValue

from nodes.vocabulary.view import fold
from server.terminal.progress import progress
from tests.told import DONE, PAUSE, RUN, RUN_OF_TWO_STEPS, SESSION, arrivals


def lines_of(*events: JsonValue) -> list[str]:
    """Give the lines that a run's events make, one after the other."""
    told = arrivals(*events)
    views = [fold(told[:count]) for count in range(len(told) + 1)]
    return [line for before, after in pairwise(views) for line in progress(before, after)]


def test_a_run_in_lines() -> None:
    """Strategy, plan, steps, calls and the end each get a line, once."""
    assert lines_of(*RUN_OF_TWO_STEPS) == [
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


def test_a_run_that_waits_twice_says_why_each_time() -> None:
    """First for the earlier messages of its session, then for its person."""
    queued: dict[str, JsonValue] = {**SESSION, "run": {"id": str(RUN), "queue_place": 2}}
    assert lines_of(queued, PAUSE, DONE) == [
        "Waiting for 2 earlier messages of this session…",
        "Waiting for your approval · 120 tokens",
        "Done · 120 tokens",
    ]
