"""The ledger: each call once, whose first outcome stays."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from persistence.errors import CancelRequested, Fenced, StatementRefused
from persistence.record import plans
from persistence.runs import events, held_events, ledger, runs
from persistence.runs.events import KeyedEvent
from persistence.runs.ledger import CallState, CameTo, Entry, Standing
from persistence.scope import Identity
from tests.run_rows import Office, new_planner, run_of


async def planner(office: Office, worker: Identity) -> UUID:
    """Write down the planner of a worker's run."""
    session = (await office.row(run_of(worker))).session_id
    async with office.working(worker) as scope:
        return new_planner(scope, session, run_of(worker), ["create_note"], "Plan.")


def entry(agent_id: UUID, key: str = "k", call_id: UUID | None = None) -> Entry:
    """Return a call before it acts."""
    return Entry(call_id or uuid4(), key, agent_id, None, "create_note", "write", "{}")


async def freeze(office: Office, worker: Identity, call: Entry) -> Standing:
    """Write a call down in a transaction of its own."""
    async with office.working(worker) as scope:
        frozen = ledger.freeze(scope, run_of(worker), call)
        await scope.sent()
        return frozen.standing


async def settle(office: Office, worker: Identity, call_id: UUID, state: CallState) -> None:
    """Write down what a call came to, in a transaction of its own."""
    async with office.working(worker) as scope:
        ledger.settle(scope, call_id, CameTo(state, state.value, None, 5))


async def test_a_place_of_a_run_is_frozen_once(office: Office) -> None:
    """Of eight that freeze a call at one place of the run, one writes it down, and all see the same one."""
    worker = await office.begin()
    call = entry(await planner(office, worker))
    seen = await asyncio.gather(*(freeze(office, worker, call) for _ in range(8)))
    assert {(each.row.id, each.calls_so_far) for each in seen} == {(call.id, 1)}
    async with office.asking() as scope:
        assert len(await ledger.of_run(scope, run_of(worker))) == 1


async def test_two_runs_have_the_same_place(office: Office) -> None:
    """A key names a place of one run."""
    for _ in range(2):
        worker = await office.begin()
        assert (await freeze(office, worker, entry(await planner(office, worker)))).calls_so_far == 1


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.INTENT])
async def test_the_first_outcome_stays(office: Office, state: CallState) -> None:
    """What a call came to is written down once, with its time."""
    worker = await office.begin()
    call = entry(await planner(office, worker))
    await freeze(office, worker, call)
    await settle(office, worker, call.id, state)
    await settle(office, worker, call.id, CallState.APPLIED)
    await settle(office, worker, call.id, CallState.UNKNOWN)
    async with office.asking() as scope:
        row = await ledger.find(scope, call.id)
    assert row is not None
    assert (row.state, row.result, row.duration_ms) == (state, state.value, 5)


async def test_an_open_call_has_no_end(office: Office) -> None:
    """A call cannot be settled as an intent: open and ended exclude each other."""
    worker = await office.begin()
    call = entry(await planner(office, worker))
    await freeze(office, worker, call)
    with pytest.raises(StatementRefused):
        await settle(office, worker, call.id, CallState.INTENT)


async def test_an_earlier_attempt_neither_freezes_nor_settles(office: Office) -> None:
    """After take-over the ledger belongs to the new attempt."""
    worker = await office.begin()
    call = entry(await planner(office, worker))
    await freeze(office, worker, call)
    later = await office.take(run_of(worker))
    with pytest.raises(Fenced):
        await settle(office, worker, call.id, CallState.APPLIED)
    with pytest.raises(Fenced):
        await freeze(office, worker, entry(call.agent_id, "another"))
    await settle(office, later, call.id, CallState.FAILED)
    async with office.asking() as scope:
        assert [row.state for row in await ledger.of_run(scope, run_of(later))] == ["failed"]


async def test_a_call_belongs_to_an_agent_of_the_same_person(office: Office, strangers_office: Office) -> None:
    """A call cannot be written down for someone else's agent."""
    worker, stranger = await office.begin(), await strangers_office.begin()
    theirs = await planner(strangers_office, stranger)
    with pytest.raises(StatementRefused):
        await freeze(office, worker, entry(theirs))


async def test_nobody_reads_anothers_calls(office: Office, strangers_office: Office) -> None:
    """For another person there are no calls."""
    worker = await office.begin()
    call = entry(await planner(office, worker))
    await freeze(office, worker, call)
    async with strangers_office.asking() as scope:
        assert await ledger.find(scope, call.id) is None
        assert await ledger.of_run(scope, run_of(worker)) == []
        assert len(await ledger.of_run(scope, run_of(worker))) == 0


async def test_calls_are_listed_as_they_began(office: Office) -> None:
    """A run's calls are in the order in which they were frozen."""
    worker = await office.begin()
    agent_id = await planner(office, worker)
    for key in "bac":
        await freeze(office, worker, entry(agent_id, key))
    async with office.asking() as scope:
        assert [row.key for row in await ledger.of_run(scope, run_of(worker))] == ["b", "a", "c"]


@pytest.mark.parametrize("drafted", [False, True])
async def test_a_call_that_was_not_written_down_is_not_told_of(office: Office, drafted: bool) -> None:  # noqa: FBT001
    """When its run is to be stopped, it stands neither in the log nor among the events that wait for their plan."""
    worker = await office.begin()
    agent_id, session_id = await planner(office, worker), (await office.row(run_of(worker))).session_id
    if drafted:
        async with office.working(worker) as scope:
            plan = plans.NewPlan(
                session_id=session_id,
                run_id=run_of(worker),
                planner_agent_id=agent_id,
                user_message="?",
                steps=[],
                revision=plans.DRAFT,
            )
            plans.insert(scope, plan)

    async def told_of(key: str) -> list[str]:
        call, called = entry(agent_id, key), KeyedEvent(f"{key} logged", "tool_call", "{}")
        async with office.working(worker) as scope:
            ledger.freeze(scope, run_of(worker), call)
            in_log = events.append(scope, [called], call.id)
            in_step = held_events.hold_or_append(scope, run_of(worker), 1, [replace(called, key=key)], call.id)
            held = await held_events.take(scope, run_of(worker))
        return [event.type for event in [*in_log.logged, *in_step.logged]] + [event.type for event in held]

    assert await told_of("a") == ["tool_call", "tool_call"]
    async with office.asking() as scope:
        assert await runs.request_cancel(scope, run_of(worker))
    assert await told_of("b") == []


async def test_a_call_of_a_run_that_is_to_be_stopped_does_not_begin(office: Office) -> None:
    """From the acknowledgement on no call is written down, and one that was may not act; an outcome is still read."""
    worker = await office.begin()
    agent_id = await planner(office, worker)
    open_call, settled_call = entry(agent_id, "open"), entry(agent_id, "settled")
    for call in (open_call, settled_call):
        await freeze(office, worker, call)
    await settle(office, worker, settled_call.id, CallState.APPLIED)
    async with office.asking() as scope:
        assert await runs.request_cancel(scope, run_of(worker))
    for call in (entry(agent_id, "new"), open_call):
        with pytest.raises(CancelRequested):
            await freeze(office, worker, call)
        async with office.working(worker) as scope:
            assert (await ledger.find(scope, call.id) is None) == (call is not open_call)
    assert (await freeze(office, worker, settled_call)).row.state == CallState.APPLIED
