"""Tasks that last as long as the process."""

import asyncio
import logging

import pytest

from persistence import lasting as lasting_module
from persistence.lasting import lasting, traced


async def test_a_work_that_dies_is_told_of_and_begins_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A work goes on although it died, and the log says where, and not what was in the error."""
    monkeypatch.setattr(lasting_module, "BEGIN_AGAIN_SECONDS", 0.0)
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise ValueError("the person's secret diary")

    with caplog.at_level(logging.ERROR):
        await lasting("work", work)
    assert begun == 2
    assert "The work died and begins again: ValueError < test_lasting.py:" in caplog.text
    assert "diary" not in caplog.text


async def test_a_work_that_is_cancelled_ends() -> None:
    """Nothing begins again when the process stops."""
    task = lasting("work", asyncio.Event().wait)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def test_a_trace_of_an_error_holds_places_only() -> None:
    """What is logged of an error is its kind and where it was raised."""
    with pytest.raises(ValueError, match="private") as caught:
        int("private")
    assert traced(caught.value).startswith("ValueError < test_lasting.py:")
    assert "private" not in traced(caught.value)
