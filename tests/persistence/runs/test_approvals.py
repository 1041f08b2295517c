"""The tables of approvals."""

import asyncio
from uuid import UUID, uuid4

import pytest

from persistence.errors import CancelRequested, Fenced, StatementRefused
from persistence.pools import Database
from persistence.record import agents
from persistence.runs import approvals, ledger, overdue, runs
from persistence.runs.approvals import Approval, ApprovalStatus, NewCall, Verdict
from persistence.runs.ledger import Entry
from persistence.scope import Identity, Role
from tests.conftest import Person
from tests.run_rows import Office, new_planner

HOURS, AN_INSTANT_HOURS = 1.0, 1e-7


@pytest.fixture
def office(database: Database, person: Person) -> Office:
    """Give a person's runs."""
    return Office(database, person)


def run_of(worker: Identity) -> UUID:
    """Return the run that a worker holds."""
    assert worker.run_id is not None
    return worker.run_id


async def frozen(office: Office, worker: Identity) -> UUID:
    """Freeze a call."""
    run = await office.row(run_of(worker))
    call_id = uuid4()
    async with office.working(worker) as scope:
        planner = next((agent.id for agent in await agents.of_run(scope, run.id)), None)
        planner = planner or new_planner(scope, run.session_id, run.id, ["create_note"], "You plan.")
        entry = Entry(call_id, f"call {call_id}", planner, None, "create_note", "write", "{}")
        ledger.freeze(scope, run.id, entry)
    return call_id


async def asked(office: Office, worker: Identity, hours: float = HOURS) -> tuple[Approval, UUID]:
    """Have a run wait with one call."""
    call_id = await frozen(office, worker)
    return await wait_with(office, worker, call_id, hours), call_id


async def wait_with(office: Office, worker: Identity, call_id: UUID, hours: float = HOURS) -> Approval:
    """Have a run wait with this call."""
    call = NewCall(call_id, outcome_unknown=False, tool="create_note", arguments="{}", target="it", changes=[])
    async with office.working(worker) as scope:
        position = await approvals.next_position(scope, run_of(worker))
        approval = await approvals.insert(scope, run_of(worker), position, uuid4().hex, hours, [call])
        await approvals.wait(scope, run_of(worker))
    return approval


async def test_a_run_that_waits_is_held_by_nobody(office: Office) -> None:
    """Behind the pause its attempt can write nothing more."""
    worker = await office.begin()
    await asked(office, worker)
    assert (await office.row(run_of(worker))).status == "waiting"
    with pytest.raises(Fenced):
        await frozen(office, worker)


async def test_a_run_that_is_to_be_stopped_does_not_wait(office: Office) -> None:
    """A cancel that came first is not overlooked: nothing of the pause is stored."""
    worker = await office.begin()
    call_id = await frozen(office, worker)
    async with office.asking() as scope:
        assert await runs.request_cancel(scope, run_of(worker))
    with pytest.raises(CancelRequested):
        await wait_with(office, worker, call_id)
    async with office.asking() as scope:
        assert await approvals.of_run(scope, run_of(worker)) == []


async def test_a_run_waits_for_one_thing_at_a_time(office: Office) -> None:
    """A second open approval is refused."""
    worker = await office.begin()
    async with office.working(worker) as scope:
        await approvals.insert(scope, run_of(worker), 1, "one", HOURS, [])
    with pytest.raises(StatementRefused):
        await wait_with(office, worker, await frozen(office, worker))


async def test_a_call_has_a_ruling_once_it_was_decided_on(office: Office) -> None:
    """What was said of a call is found by the attempt that goes on; of its unknown outcome nothing was said."""
    worker = await office.begin()
    approval, call_id = await asked(office, worker)
    async with office.asking() as scope:
        assert await approvals.ruling_on(scope, call_id, outcome_unknown=False) is None
        await approvals.rule(scope, approval.id, call_id, Verdict.EDITED, '{"content":"y"}')
        await approvals.decide(scope, approval.id, ApprovalStatus.APPROVED, "said", "Because.")
    async with office.asking() as scope:
        ruling = await approvals.ruling_on(scope, call_id, outcome_unknown=False)
        assert await approvals.ruling_on(scope, call_id, outcome_unknown=True) is None
    assert ruling is not None
    assert (ruling.allows, ruling.arguments, ruling.note) == (True, '{"content":"y"}', "Because.")


async def test_time_runs_out_for_everyone_at_once(database: Database, person: Person, stranger: Person) -> None:
    """The upkeep ends what is overdue, of all users, once; what is not is left alone."""
    offices = [Office(database, person), Office(database, stranger)]
    late = [(office, await office.begin()) for office in offices]
    for office, worker in late:
        await asked(office, worker, AN_INSTANT_HOURS)
    in_time = await offices[0].begin()
    await asked(offices[0], in_time)
    swept = [run for found in await asyncio.gather(*(overdue.expire_due(database) for _ in range(3))) for run in found]
    assert sorted(run for run in swept if run in {run_of(worker) for _, worker in late}) == sorted(
        run_of(worker) for _, worker in late
    )
    for office, worker in late:
        run = await office.row(run_of(worker))
        assert (run.status, run.cancel_requested_at is not None) == ("queued", True)
        async with office.asking() as scope:
            assert [one.status for one in await approvals.of_run(scope, run.id)] == ["expired"]
    assert (await offices[0].row(run_of(in_time))).status == "waiting"


async def test_an_approval_is_its_persons_alone(office: Office, database: Database, stranger: Person) -> None:
    """Somebody else sees neither the approval nor its calls."""
    worker = await office.begin()
    approval, call_id = await asked(office, worker)
    async with database.acting(Role.API, stranger.identity) as scope:
        assert await approvals.of_run(scope, run_of(worker)) == []
        assert await approvals.find(scope, run_of(worker), approval.digest) is None
        assert await approvals.calls_of(scope, approval.id) == []
        assert not await runs.hold(scope, run_of(worker))
        await approvals.rule(scope, approval.id, call_id, Verdict.APPROVED)
    async with office.asking() as scope:
        assert [call.verdict for call in await approvals.calls_of(scope, approval.id)] == [None]
