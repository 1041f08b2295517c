"""Steps start as soon as their own dependencies are done."""

import asyncio
from asyncio import Semaphore
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.planning.schedule import schedule
from tests.nodes.planning.drafts import graphs

Graph = Mapping[int, Sequence[int]]


@dataclass
class Recorder:
    """Acts that write down what happened, and end when a shuffled number of turns of the event loop has passed."""

    failing: frozenset[int]
    turns: Mapping[int, int]
    began: list[tuple[int, int | None]] = field(default_factory=list[tuple[int, int | None]])
    ended: list[int] = field(default_factory=list[int])
    ended_at_begin: dict[int, set[int]] = field(default_factory=dict[int, set[int]])
    most_at_once: int = 0

    async def act(self, number: int, blocked_by: int | None) -> bool:
        """Take the step's time; succeed unless the step is one that fails, or is skipped."""
        self.began.append((number, blocked_by))
        self.ended_at_begin[number] = set(self.ended)
        self.most_at_once = max(self.most_at_once, len(self.began) - len(self.ended))
        for _ in range(self.turns[number]):
            await asyncio.sleep(0)
        self.ended.append(number)
        return blocked_by is None and number not in self.failing


@dataclass(frozen=True)
class Case:
    """A graph, what is settled in it, what fails in it, and how long each step takes."""

    waits_for: dict[int, list[int]]
    settled: dict[int, bool]
    failing: frozenset[int]
    turns: dict[int, int]
    width: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Give any graph; what is settled is closed under "what it waited for is settled"."""
    waits_for = draw(graphs())
    numbers = sorted(waits_for)
    settled: dict[int, bool] = {}
    for number, before in waits_for.items():
        if all(other in settled for other in before) and draw(st.booleans()):
            settled[number] = all(settled[other] for other in before) and draw(st.booleans())
    failing = frozenset(draw(st.sets(st.sampled_from(numbers))))
    turns = {number: draw(st.integers(0, 5)) for number in numbers}
    return Case(waits_for, settled, failing, turns, draw(st.integers(1, 8)))


@given(cases())
async def test_every_step_acts_once_and_in_its_order(case: Case) -> None:
    """Each open step acts once, after all it waits for; the failed one it names; never more than `width` at once."""
    recorder = Recorder(case.failing, case.turns)
    await schedule(case.waits_for, recorder.act, settled=case.settled, places=Semaphore(case.width))

    assert sorted(number for number, _ in recorder.began) == sorted(case.waits_for.keys() - case.settled.keys())
    assert recorder.most_at_once <= case.width
    blocked = dict(recorder.began)
    succeeded = {**case.settled, **{n: blocked[n] is None and n not in case.failing for n in blocked}}
    for number, blocked_by in recorder.began:
        before = case.waits_for[number]
        assert set(before) - case.settled.keys() <= recorder.ended_at_begin[number]
        lost = [other for other in before if not succeeded[other]]
        assert blocked_by in lost if lost else blocked_by is None


async def test_a_step_does_not_wait_for_an_unrelated_slow_one() -> None:
    """No waves: while step 2 is still at work, step 3 runs behind step 1, and step 4 behind step 3."""
    slow_may_end, last_began = asyncio.Event(), asyncio.Event()

    async def act(number: int, _blocked_by: int | None) -> bool:
        if number == 2:
            await slow_may_end.wait()
        if number == 4:
            last_began.set()
        return True

    running = asyncio.create_task(schedule({1: [], 2: [], 3: [1], 4: [3]}, act, settled={}, places=Semaphore(2)))
    async with asyncio.timeout(10):
        await last_began.wait()
        assert not running.done()
        slow_may_end.set()
        await running


async def test_as_many_steps_are_at_work_as_there_is_room_for() -> None:
    """Eight independent steps with room for four: four are at work together, never five."""
    at_work: set[int] = set()
    seen: list[int] = []
    four_at_work = asyncio.Event()

    async def act(number: int, _blocked_by: int | None) -> bool:
        at_work.add(number)
        seen.append(len(at_work))
        if len(at_work) == 4:
            four_at_work.set()
        await four_at_work.wait()
        at_work.remove(number)
        return True

    async with asyncio.timeout(10):
        await schedule({number: [] for number in range(8)}, act, settled={}, places=Semaphore(4))
    assert max(seen) == 4


async def test_the_first_exception_stops_the_rest_and_is_raised_itself() -> None:
    """What a step raises comes out as it is, and the steps at work are cancelled."""
    other_began = asyncio.Event()
    cancelled: list[int] = []
    broken = LookupError("the run was taken over")

    async def act(number: int, _blocked_by: int | None) -> bool:
        if number == 1:
            await other_began.wait()
            raise broken
        other_began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        raise AssertionError("nothing sets that event")

    with pytest.raises(LookupError) as raised:
        await schedule({1: [], 2: [], 3: [2]}, act, settled={}, places=Semaphore(4))
    assert raised.value is broken
    assert cancelled == [2]


async def test_a_cancelled_schedule_cancels_its_steps() -> None:
    """Stopping the run stops what is at work; nothing goes on in the background."""
    began = asyncio.Event()
    acted: list[int] = []

    async def act(number: int, _blocked_by: int | None) -> bool:
        acted.append(number)
        began.set()
        await asyncio.Event().wait()
        return True

    running = asyncio.create_task(schedule({1: [], 2: [1]}, act, settled={}, places=Semaphore(4)))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert acted == [1]


async def test_a_plan_that_is_settled_does_nothing() -> None:
    """After a crash behind the last step, nothing acts again."""
    recorder = Recorder(frozenset(), {})
    await schedule({1: [], 2: [1]}, recorder.act, settled={1: True, 2: False}, places=Semaphore(1))
    assert recorder.began == []


async def test_steps_that_run_alone_take_no_place_from_the_others() -> None:
    """Of steps that must run one at a time one is at work, the rest wait, and other steps are not kept waiting."""
    began: list[int] = []
    leave, other_ended = asyncio.Event(), asyncio.Event()

    async def act(number: int, blocked_by: int | None) -> bool:
        began.append(number)
        if number == 1:
            await leave.wait()
        if number == 3:
            other_ended.set()
        return True

    running = asyncio.create_task(schedule({1: [], 2: [], 3: []}, act, settled={}, places=Semaphore(1), alone={1, 2}))
    await other_ended.wait()
    assert began == [1, 3]
    leave.set()
    await running
    assert began == [1, 3, 2]


async def test_a_step_that_is_under_way_is_only_waited_for() -> None:
    """It began elsewhere, with a place of its own: it takes none here, and those behind it follow when it ends."""
    ended, other_began = asyncio.Event(), asyncio.Event()
    acted: list[int] = []

    async def act(number: int, _blocked_by: int | None) -> bool:
        acted.append(number)
        if number == 2:
            await ended.wait()
        other_began.set()
        return True

    waits_for: dict[int, list[int]] = {1: [], 2: [1], 3: [], 4: [2]}
    running = asyncio.create_task(schedule(waits_for, act, settled={1: True}, places=Semaphore(1), under_way={2}))
    async with asyncio.timeout(10):
        await other_began.wait()
        assert set(acted) == {2, 3}
        ended.set()
        await running
    assert acted[-1] == 4
