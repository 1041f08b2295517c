"""Early steps outlive the node that began them, and nothing outlives the turn."""

import asyncio

import pytest

from nodes.vocabulary.early_tasks import EarlyTasks
from nodes.vocabulary.events import Step

STEP = Step(step_number=1, type="step", description="Look.", executor_required=True, tools=[], depends_on=[])


async def for_ever(gone: list[int], number: int) -> Step:
    """Work until cancelled, and take a moment to go."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        gone.append(number)
    return STEP


async def failing() -> Step:
    """Fail at once."""
    raise RuntimeError


async def test_the_end_of_a_turn_is_the_end_of_its_early_steps() -> None:
    """They are cancelled, and gone before the turn goes on; one that failed meanwhile is no failure of the turn."""
    gone: list[int] = []
    async with EarlyTasks(2) as early:
        early.start(1, for_ever(gone, 1))
        early.start(2, for_ever(gone, 2))
        early.start(3, failing())
        await asyncio.sleep(0)
    assert gone == [1, 2]
    assert early.by_number == {}


async def test_some_are_stopped_and_others_kept() -> None:
    """Only those that nobody wants any more are."""
    gone: list[int] = []
    async with EarlyTasks(2) as early:
        early.start(1, for_ever(gone, 1))
        early.start(2, for_ever(gone, 2))
        await asyncio.sleep(0)
        await early.stop(but={2})
        assert (gone, list(early.by_number)) == ([1], [2])


async def test_a_turn_that_is_cancelled_again_still_waits_for_them() -> None:
    """However often it is cancelled, none is left at work behind it."""
    gone: list[int] = []

    async def turn() -> None:
        async with EarlyTasks(2) as early:
            early.start(1, for_ever(gone, 1))
            await asyncio.Event().wait()

    running = asyncio.create_task(turn())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert gone == [1]
