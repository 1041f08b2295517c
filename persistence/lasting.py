"""Tasks that last as long as the process: whatever one of them dies of, it is told and begins again.

Nobody waits for such a task, so nobody would hear of its end: a server would go
on taking messages that nobody works on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from traceback import extract_tb
from typing import Final

BEGIN_AGAIN_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


def lasting(name: str, work: Callable[[], Awaitable[object]]) -> asyncio.Task[None]:
    """Begin a work that goes on until it is cancelled, or ends by itself."""
    return asyncio.create_task(_again_and_again(name, work), name=name)


async def _again_and_again(name: str, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - there is nobody else to hear of it
            log.error("The %s died and begins again: %s", name, traced(error))  # noqa: TRY400
        else:
            return
        await asyncio.sleep(BEGIN_AGAIN_SECONDS)


def traced(error: BaseException) -> str:
    """Return what an error is and where it was raised, without its text: that may be a person's."""
    frames = extract_tb(error.__traceback__)
    return " < ".join([type(error).__name__, *(f"{Path(at.filename).name}:{at.lineno}" for at in reversed(frames))])
