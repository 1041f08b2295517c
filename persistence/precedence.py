"""Short work that somebody waits for goes before long work: messages are accepted before runs begin.

When many people ask at the same moment, each of them soon has the first event. A run that
began meanwhile would take the machine from all who are still to be accepted, and would not
end earlier for it, since theirs begin in its midst.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

PATIENCE_SECONDS: Final = 1.0  # of long work, while there is short work all the time; three hundred messages take less


class Precedence:
    """Who goes first in this process."""

    def __init__(self) -> None:
        self._short = 0
        self._none = asyncio.Event()
        self._none.set()
        self._is_patient = True

    @contextmanager
    def short(self) -> Generator[None]:
        """Do short work."""
        self._short += 1
        self._none.clear()
        try:
            yield
        finally:
            self._short -= 1
            if not self._short:
                self._none.set()
                self._is_patient = True

    async def turn_of_long(self) -> None:
        """Wait while there is short work; once that took too long, do not wait again before there was none."""
        if self._none.is_set() or not self._is_patient:
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._none.wait()
        except TimeoutError:
            self._is_patient = False
