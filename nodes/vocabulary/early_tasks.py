"""Steps at work before their plan is stored: tasks that outlive the node which began them, and never the turn."""

import asyncio
from collections.abc import Collection, Coroutine
from types import TracebackType
from typing import Final, Self

from nodes.asking.last_words import written_down
from nodes.vocabulary.events import Step


class EarlyTasks:
    """The early steps of one attempt, by number; each task comes to its step as that ended.

    At most `width` steps of the run are at work at once, the later ones too:
    whoever runs a step takes one of the `places`. `plan_is_whole` is set when the planner has nothing
    more to write.
    """

    def __init__(self, width: int) -> None:
        self.places: Final = asyncio.Semaphore(width)
        self.by_number: Final[dict[int, asyncio.Task[Step]]] = {}
        self.plan_is_whole: Final = asyncio.Event()

    def start(self, number: int, work: Coroutine[None, None, Step]) -> None:
        """Begin a step."""
        self.by_number[number] = asyncio.create_task(work)

    async def stop(self, *, but: Collection[int] = ()) -> None:
        """Cancel steps and wait until they are gone. What one of them raised is of no account any more."""
        stopped = [task for number, task in self.by_number.items() if number not in but]
        for number in self.by_number.keys() - set(but):
            self.by_number.pop(number).cancel()
        if stopped:
            await written_down(_gone(stopped))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def _gone(tasks: Collection[asyncio.Task[Step]]) -> None:
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
