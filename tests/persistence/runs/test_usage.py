"""What each model call reserved, and what it cost."""

import asyncio
from uuid import UUID, uuid4

from persistence.runs import runs, usage
from persistence.runs.usage import Cost, Price, Usage
from persistence.scope import Identity
from tests.reserving import reserve
from tests.run_rows import Office, new_planner, run_of

ASKED, FOR_THE_ANSWER = 200, 1_000


async def planner(office: Office, worker: Identity) -> UUID:
    """Write down the planner of a worker's run."""
    session = (await office.row(run_of(worker))).session_id
    async with office.working(worker) as scope:
        return new_planner(scope, session, run_of(worker), [], "Plan.")


async def started(office: Office, worker: Identity, agent_id: UUID) -> UUID | None:
    """Reserve a call in a transaction of its own; return it unless the run is to be stopped."""
    call_id = uuid4()
    async with office.working(worker) as scope:
        reserving = reserve(scope, run_of(worker), call_id, agent_id, Price(ASKED, FOR_THE_ANSWER))
    assert reserving.verdict.admitted != reserving.verdict.is_to_stop
    return call_id if reserving.verdict.admitted else None


async def test_no_call_starts_behind_a_cancel(office: Office) -> None:
    """A call that is let through beside a cancel was counted when the cancel was acknowledged."""
    for _ in range(10):
        worker = await office.begin()
        agent_id = await planner(office, worker)

        async def cancel(run_id: UUID) -> int:
            async with office.asking() as scope:
                assert await runs.request_cancel(scope, run_id)
                return len(await usage.of_run(scope, run_id))

        calls = [started(office, worker, agent_id) for _ in range(6)]
        acknowledged, *admitted = await asyncio.gather(cancel(run_of(worker)), *calls)
        assert acknowledged == sum(call_id is not None for call_id in admitted)


async def test_what_began_is_settled_behind_a_cancel(office: Office) -> None:
    """The cost of a call in flight is written down though nothing new may start."""
    worker = await office.begin()
    call_id = await started(office, worker, await planner(office, worker))
    assert call_id is not None
    async with office.asking() as scope:
        assert await runs.request_cancel(scope, run_of(worker))
    async with office.working(worker) as scope:
        spent = Usage(ASKED, 7)
        usage.settle(scope, call_id, Cost("deep", spent, estimated=True, outcome="cancelled"), 5)
        assert await usage.total(scope, run_of(worker)) == spent


async def test_a_call_nobody_settled_costs_at_least_what_was_asked(office: Office) -> None:
    """The provider was asked, so the prompt counts; nothing is made up about an answer."""
    worker = await office.begin()
    await started(office, worker, await planner(office, worker))
    async with office.working(worker) as scope:
        usage.settle_open(scope, run_of(worker))
        [call] = await usage.of_run(scope, run_of(worker))
    assert (call.prompt_tokens, call.completion_tokens, call.estimated) == (ASKED, 0, True)
    assert call.outcome == "failed"


async def test_a_settled_call_is_left_alone(office: Office) -> None:
    """Closing what is open changes nothing of what was counted."""
    worker = await office.begin()
    call_id = await started(office, worker, await planner(office, worker))
    assert call_id is not None
    async with office.working(worker) as scope:
        spent = Usage(3, 4)
        usage.settle(scope, call_id, Cost("deep", spent, estimated=False, outcome="answered"), 5)
        usage.settle_open(scope, run_of(worker))
        assert await usage.total(scope, run_of(worker)) == spent
