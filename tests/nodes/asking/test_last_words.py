"""What is still written down when a turn is cancelled."""

import asyncio

import pytest

from nodes.asking.last_words import written_down
from persistence.errors import DatabaseUnavailable


class Pen:
    """Writes when it is let, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.failure = failure
        self.wrote = False

    async def write(self) -> None:
        """Begin, wait to be let, and end."""
        self.begun.set()
        await self.may_end.wait()
        if self.failure is not None:
            raise self.failure
        self.wrote = True


async def cancelled_twice(pen: Pen) -> asyncio.Task[None]:
    """Cancel what is being written down two times, then let it end."""
    writing = asyncio.create_task(written_down(pen.write()))
    await pen.begun.wait()
    for _ in range(2):
        writing.cancel()
        await asyncio.sleep(0)
        assert not writing.done()
    pen.may_end.set()
    await asyncio.wait({writing})
    return writing


async def test_it_ends_however_often_it_is_cancelled() -> None:
    """A second cancel, and a third, wait like the first, and are not lost."""
    pen = Pen()
    writing = await cancelled_twice(pen)
    assert pen.wrote
    assert writing.cancelled()


async def test_a_cancel_stays_a_cancel_when_the_database_is_away() -> None:
    """A stop never turns into another failure."""
    assert (await cancelled_twice(Pen(DatabaseUnavailable()))).cancelled()


async def test_without_a_cancel_a_failure_travels() -> None:
    """Nobody is left to believe that something was written."""
    pen = Pen(DatabaseUnavailable())
    pen.may_end.set()
    with pytest.raises(DatabaseUnavailable):
        await written_down(pen.write())
