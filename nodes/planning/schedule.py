"""Run steps as soon as their own dependencies are done: no waves, no polling.

Measured over 30 random plans of 5 to 14 steps by `tests/nodes/planning/critical_path.py`:
waves take 1.17 times the critical path (1.72 at worst), this takes 1.01 (1.02).
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from nodes.planning.cause import cause_of

Act = Callable[[int, int | None], Awaitable[bool | None]]


async def schedule(
    waits_for: Mapping[int, Sequence[int]],
    act: Act,
    *,
    settled: Mapping[int, bool],
    places: asyncio.Semaphore,
    alone: Collection[int] = frozenset(),
    under_way: Collection[int] = frozenset(),
) -> None:
    """Act on every step that is not settled yet, each the moment the steps before it are.

    `act(number, blocked_by)` runs a step and returns whether it succeeded; with
    `blocked_by` naming a step that failed it only has to mark this one skipped. A
    step that has not ended, since it waits for a person, is None: those behind it
    are left alone, all others go on.
    As many steps run at once as there are `places`; beside them those of `alone`, one at a
    time, so that they keep no other step waiting. Those `under_way` began before, and see to
    their places and dependencies themselves: they are acted on at once. `settled` gives the steps that ended
    before, by number, and whether they succeeded. `waits_for` has no cycles.

    The first exception of `act` stops the rest; of several, `cause_of` says which is raised.
    """
    loop = asyncio.get_running_loop()
    ended: dict[int, asyncio.Future[bool | None]] = {number: loop.create_future() for number in {*waits_for, *settled}}
    for number, succeeded in settled.items():
        ended[number].set_result(succeeded)
    only_place = asyncio.Semaphore(1)

    async def follow(number: int) -> None:
        if number in under_way:
            ended[number].set_result(await act(number, None))
            return
        before = {step: await ended[step] for step in waits_for[number]}
        blocked_by = next((step for step, succeeded in before.items() if succeeded is False), None)
        if blocked_by is None and None in before.values():
            ended[number].set_result(None)
            return
        async with only_place if number in alone else places:
            ended[number].set_result(await act(number, blocked_by))

    try:
        async with asyncio.TaskGroup() as group:
            for number in waits_for:
                if number not in settled:
                    group.create_task(follow(number))
    except ExceptionGroup as problems:
        raise cause_of(problems) from None
