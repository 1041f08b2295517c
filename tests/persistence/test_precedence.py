"""Long work waits for short work, and not for ever."""

import asyncio
from math import inf

import pytest

from persistence import precedence
from persistence.precedence import Precedence


async def test_long_work_waits_for_short_work() -> None:
    """It begins when the last of it has ended, however that ended."""
    who, told = Precedence(), list[str]()

    async def long() -> None:
        await who.turn_of_long()
        told.append("long")

    async with asyncio.TaskGroup() as group:
        with who.short():
            group.create_task(long())
            with pytest.raises(ZeroDivisionError), who.short():
                raise ZeroDivisionError
            await asyncio.sleep(0)
            told.append("short")
    assert told == ["short", "long"]


async def test_long_work_alone_waits_for_nobody() -> None:
    """It does not even let go of the loop."""
    turn = Precedence().turn_of_long()
    with pytest.raises(StopIteration):
        turn.send(None)


async def test_long_work_comes_through_short_work_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for so long once; then it goes on until there was no short work, and waits again."""
    who = Precedence()
    monkeypatch.setattr(precedence, "PATIENCE_SECONDS", 0.0)
    with who.short():
        await who.turn_of_long()
        monkeypatch.setattr(precedence, "PATIENCE_SECONDS", inf)
        await who.turn_of_long()
    with who.short():
        waiting = asyncio.create_task(who.turn_of_long())
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting
