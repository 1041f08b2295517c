"""A gate that lets a process's runs to the database a few at a time, the one that began first before the others.

When there is more to do than a process can, runs that are all served a little at a time all end late. In this
order most of them end early.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count
from typing import Final

from persistence.errors import DatabaseUnavailable

_rank: Final[ContextVar[int | None]] = ContextVar("rank", default=None)
_ranks: Final = count()


@contextmanager
def behind_those_at_work() -> Generator[None]:
    """Begin a run: all that asks inside, also in tasks that begin there, goes behind the runs that began before."""
    token = _rank.set(next(_ranks))
    try:
        yield
    finally:
        _rank.reset(token)


class Gate:
    """Lets in so many at once; of those who wait, one of the run that began first, and of a run who came first.

    A context manager: whoever is inside has been let in. Who is of no run goes past it: it is
    there for the order among runs, which may wait for each other for as long as it takes.
    """

    def __init__(self, width: int) -> None:
        self._free = width
        self._came: Final = count()
        self._waiting: Final = list[tuple[int, int, asyncio.Future[bool]]]()

    @property
    def awaited(self) -> int:
        """Return how many wait."""
        return sum(not let_in.done() for *_, let_in in self._waiting)

    async def __aenter__(self) -> None:
        """Wait until it is the caller's turn.

        Raises:
            DatabaseUnavailable: those who wait were turned back.
        """
        if (rank := _rank.get()) is not None:
            await self._enter(rank)

    async def __aexit__(self, *_: object) -> None:
        """Let another in."""
        if _rank.get() is not None:
            self._let_next_in()

    def turn_back(self) -> None:
        """Send away whoever waits now."""
        for *_, let_in in self._waiting:
            if not let_in.done():
                let_in.set_result(False)
        self._waiting.clear()

    async def _enter(self, rank: int) -> None:
        if self._free:
            self._free -= 1
            return
        let_in = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (rank, next(self._came), let_in))
        try:
            is_in = await let_in
        except asyncio.CancelledError:
            if not let_in.cancelled() and let_in.result():
                self._let_next_in()  # it was let in and cancelled in the same moment
            raise
        if not is_in:
            raise DatabaseUnavailable

    def _let_next_in(self) -> None:
        while self._waiting:
            let_in = heappop(self._waiting)[-1]
            if not let_in.done():
                let_in.set_result(True)
                return
        self._free += 1
