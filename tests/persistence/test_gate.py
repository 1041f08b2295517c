"""The gate before the database: who goes first, and that no turn is lost."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.errors import DatabaseUnavailable
from persistence.gate import Gate, behind_those_at_work

RUNS_MAX = 5
TICKS = st.integers(0, 6)


def begun(runs: int = RUNS_MAX) -> list[Context]:
    """Begin so many runs, one after the other; return what each acts in."""
    contexts: list[Context] = []
    for _ in range(runs):
        with behind_those_at_work():
            contexts.append(copy_context())
    return contexts


def acting(context: Context, act: Coroutine[None, None, None]) -> asyncio.Task[None]:
    """Let a run act."""
    return asyncio.get_running_loop().create_task(act, context=context)


async def ticks(wanted: int) -> None:
    """Let others go on so often."""
    for _ in range(wanted):
        await asyncio.sleep(0)


@dataclass
class Inside:
    """Who is let in by a gate, and how many are inside."""

    gate: Gate
    entered: list[int] = field(default_factory=list[int])
    at_once: int = 0
    most: int = 0

    async def go(self, number: int, stay: int = 1, before: int = 0) -> None:
        """Come after a while, pass the gate and stay for a while."""
        await ticks(before)
        async with self.gate:
            self.entered.append(number)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            try:
                await ticks(stay)
            finally:
                self.at_once -= 1

    async def hold(self, until: asyncio.Event) -> None:
        """Stay inside until it is said."""
        async with self.gate:
            await until.wait()

    async def held(self, context: Context) -> tuple[asyncio.Event, asyncio.Task[None]]:
        """Have a run stay inside; return what lets it go, and its task."""
        until = asyncio.Event()
        holder = acting(context, self.hold(until))
        await ticks(1)
        return until, holder


@dataclass(frozen=True)
class Visit:
    """One passing of the gate by a run, which may be cancelled after so many rounds of the event loop."""

    run: int
    before: int
    stay: int
    cancelled_after: int | None


VISITS = st.builds(Visit, st.integers(0, RUNS_MAX - 1), TICKS, TICKS, st.none() | st.integers(0, 12))


@given(
    width=st.integers(1, 3),
    runs=st.lists(st.integers(0, RUNS_MAX - 1), max_size=12),
    gone=st.sets(st.integers(0, 11)),
)
async def test_the_run_that_began_first_goes_first(width: int, runs: Sequence[int], gone: set[int]) -> None:
    """In whatever order they come: first the run that began first, and of one run who came first."""
    inside, contexts = Inside(Gate(width)), begun()
    held = [await inside.held(contexts[-1]) for _ in range(width)]
    waiting = [acting(contexts[run], inside.go(number)) for number, run in enumerate(runs)]
    await ticks(1)
    for number in gone & set(range(len(runs))):
        waiting[number].cancel()
    for until, _ in held:
        until.set()
    await asyncio.gather(*(holder for _, holder in held), *waiting, return_exceptions=True)
    stayed = [number for number in range(len(runs)) if number not in gone]
    assert inside.entered == sorted(stayed, key=lambda number: (runs[number], number))


@given(width=st.integers(1, 3), visits=st.lists(VISITS, max_size=16))
async def test_no_turn_is_lost_and_none_is_given_twice(width: int, visits: Sequence[Visit]) -> None:
    """Whoever is cancelled whenever: never more are inside than may be, all others get in, and all turns are free."""
    inside, contexts = Inside(Gate(width)), begun()

    async def visit(number: int, of: Visit) -> None:
        going = acting(contexts[of.run], inside.go(number, of.stay, of.before))
        if of.cancelled_after is not None:
            await ticks(of.cancelled_after)
            going.cancel()
        await asyncio.wait([going])

    await asyncio.gather(*(visit(number, of) for number, of in enumerate(visits)))
    assert inside.most <= width
    assert {number for number, of in enumerate(visits) if of.cancelled_after is None} <= set(inside.entered)
    assert inside.gate.awaited == 0
    for _ in range(width):
        _, holder = await inside.held(contexts[0])
        holder.cancel()
    assert inside.gate.awaited == 0, "so many turns are free"


async def test_who_is_cancelled_while_let_in_passes_the_turn_on() -> None:
    """Cancelled in the very moment in which it is given a turn, a run does not keep it from the next."""
    inside, contexts = Inside(Gate(1)), begun()
    until, holder = await inside.held(contexts[0])
    second, third = (acting(contexts[number], inside.go(number)) for number in (1, 2))
    await ticks(1)
    until.set()
    await ticks(1)
    assert (holder.done(), second.done(), inside.entered) == (True, False, []), "let in, and not yet told so"
    second.cancel()
    await third
    assert (second.cancelled(), inside.entered) == (True, [2])


async def test_those_who_wait_are_counted_and_can_be_turned_back() -> None:
    """Who waits is sent away at once, whoever was let in stays, and the gate goes on working."""
    inside, contexts = Inside(Gate(1)), begun()
    until, holder = await inside.held(contexts[0])
    waiting = [acting(contexts[number], inside.go(number)) for number in (1, 2, 3)]
    await ticks(1)
    waiting[0].cancel()
    assert inside.gate.awaited == 2
    inside.gate.turn_back()
    assert inside.gate.awaited == 0
    waiting[1].cancel()
    with pytest.raises(DatabaseUnavailable):
        await waiting[2]
    last = acting(contexts[4], inside.go(4))
    await ticks(1)
    assert inside.gate.awaited == 1, "nobody who was sent away has left a turn behind"
    until.set()
    await asyncio.gather(holder, last)
    assert inside.entered == [4]


async def test_who_is_of_no_run_goes_past_the_gate() -> None:
    """Upkeep and people's requests do not wait behind runs."""
    inside, contexts = Inside(Gate(1)), begun()
    until, holder = await inside.held(contexts[0])
    await inside.go(1)
    until.set()
    await holder
    assert inside.entered == [1]
