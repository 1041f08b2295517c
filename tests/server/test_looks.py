"""Looks that readers share."""

import asyncio
from uuid import UUID

from persistence.runs.events import Reading
from server.looks import Looks, Place

HERE = Place(UUID(int=1), UUID(int=2), 0)
NOTHING = Reading([], last_seq=0, resting=False, expired=False)


class Log:
    """A log that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Place] = []
        self.answers = asyncio.Event()

    async def look(self, place: Place) -> Reading:
        """Answer that nothing is there."""
        self.asked.append(place)
        await self.answers.wait()
        return NOTHING


async def test_who_stands_at_one_place_shares_a_look() -> None:
    """The second joins the first; who stands elsewhere, or is someone else, does not."""
    log, looks = Log(), Looks()
    elsewhere = (Place(HERE.user_id, HERE.run_id, 1), Place(UUID(int=9), HERE.run_id, 0))
    joined = [looks.join(place, log.look) for place in (HERE, HERE, *elsewhere)]
    log.answers.set()
    assert await asyncio.gather(*joined) == [NOTHING] * 4
    assert joined[0] is joined[1]
    assert log.asked == [HERE, *elsewhere]
    assert len(looks) == 0


async def test_nobody_joins_a_look_that_was_too_early() -> None:
    """After news a look begins anew, and the one before still answers whoever waits for it."""
    log, looks = Log(), Looks()
    early = looks.join(HERE, log.look)
    looks.too_early(HERE.run_id)
    late = looks.join(HERE, log.look)
    assert late is not early
    assert looks.join(HERE, log.look) is late
    log.answers.set()
    assert [await early, await late] == [NOTHING, NOTHING]


async def test_a_look_outlives_a_reader_that_leaves() -> None:
    """One of two readers hangs up; the other has its answer all the same."""
    log, looks = Log(), Looks()
    staying, leaving = (asyncio.create_task(asyncio.wait({looks.join(HERE, log.look)})) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    log.answers.set()
    ((answered,), _) = await staying
    assert answered.result() == NOTHING
