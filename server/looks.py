"""Looks into logs that are under way: readers of one run who want the same, share one.

Fifty readers of a run are woken by the same news and stand at the same place, so
one statement answers all of them. A look that began before the news did may have
been too early for it: `too_early` sees to it that nobody joins that one any more.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from persistence.runs.events import Reading


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run's log somebody stands, and as whom."""

    user_id: UUID
    run_id: UUID
    after: int


Answer = Reading | None
Look = Callable[[Place], Coroutine[None, None, Answer]]


class Looks:
    """The looks that are under way in this process."""

    def __init__(self) -> None:
        self._open: Final[dict[UUID, dict[Place, asyncio.Task[Answer]]]] = {}
        self._tasks: Final[set[asyncio.Task[Answer]]] = set()

    def join(self, place: Place, look: Look) -> asyncio.Task[Answer]:
        """Return the look from that place that is under way, or begin it."""
        of_run = self._open.setdefault(place.run_id, {})
        task = of_run.get(place)
        if task is None:
            task = of_run[place] = asyncio.create_task(look(place))
            self._tasks.add(task)
            task.add_done_callback(lambda ended: self._forget(place, ended))
        return task

    def too_early(self, run_id: UUID) -> None:
        """Let nobody join the looks into a run that began before now."""
        self._open.pop(run_id, None)

    def _forget(self, place: Place, ended: asyncio.Task[Answer]) -> None:
        self._tasks.discard(ended)
        of_run = self._open.get(place.run_id, {})
        if of_run.get(place) is ended:
            del of_run[place]
            if not of_run:
                del self._open[place.run_id]

    def __len__(self) -> int:
        return len(self._tasks)
