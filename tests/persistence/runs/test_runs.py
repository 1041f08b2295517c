"""Runs: one at a time in a session, in order, and each held by one attempt."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection

from persistence.errors import Fenced, StatementRefused
from persistence.runs import runs, usage, waiting
from persistence.runs.events import KeyedEvent
from persistence.runs.runs import FINISHED, NewRun, Run, RunStatus
from persistence.runs.usage import Cost, Price, Usage
from persistence.scope import Identity
from tests.reserving import reserve
from tests.run_rows import Office, inserted, new_planner, run_of
from tests.server.reading import until

CANCELLED = KeyedEvent("end", "done", "{}")


async def test_a_free_run_is_taken_once(office: Office) -> None:
    """Of eight workers that reach for one run, one gets it."""
    run = await office.queue()
    claims = await asyncio.gather(*(office.claim(run.id, attempt=0) for _ in range(8)))
    taken = [claimed for claimed in claims if claimed]
    assert [(claimed.status, claimed.attempt) for claimed in taken] == [("running", 1)]
    assert taken[0].started_at is not None


async def test_a_session_works_on_one_run_at_a_time(office: Office) -> None:
    """Of four runs that eight workers reach for, the first of the session is taken and no other."""
    session = await office.new_session()
    queued = [await office.queue(session) for _ in range(4)]
    claimed = await asyncio.gather(*(office.claim(run.id, attempt=0) for run in [*reversed(queued), *queued]))
    assert [run.id for run in claimed if run] == [queued[0].id]


async def test_runs_are_taken_in_the_order_they_were_accepted(office: Office) -> None:
    """The second run of a session is free when the first has ended, however that was."""
    session = await office.new_session()
    first, second, third = [await office.queue(session) for _ in range(3)]
    await office.finish(await office.take(first.id), RunStatus.ERROR)
    assert await office.claim(third.id) is None
    await office.finish(await office.take(second.id), RunStatus.CANCELLED)
    assert await office.claim(third.id) is not None


async def test_sessions_do_not_wait_for_each_other(office: Office) -> None:
    """Runs of two sessions are in work at the same time."""
    first, second = await office.queue(), await office.queue()
    assert await office.claim(first.id) is not None
    assert await office.claim(second.id) is not None


async def test_a_worker_waits_for_whoever_moves_the_run(office: Office, admin_dsn: str) -> None:
    """A claim that comes while a decision lets the run go on is not turned away by where the run stood before it."""
    run = await office.queue()
    async with office.asking() as scope:
        await scope.execute("update runs set status = 'waiting' where id = %s", (run.id,))
    async with (
        await AsyncConnection.connect(admin_dsn, autocommit=True) as admin,
        asyncio.TaskGroup() as group,
        office.asking() as scope,
    ):
        await scope.execute("update runs set status = 'queued' where id = %s", (run.id,))
        claiming = group.create_task(office.claim(run.id, attempt=0))

        async def is_answered_or_waits() -> bool:
            query = "select from pg_stat_activity where %s = any (pg_blocking_pids(pid))"
            return claiming.done() or (await admin.execute(query, (scope.connection.info.backend_pid,))).rowcount > 0

        await until(is_answered_or_waits)
    assert claiming.result() is not None


async def test_a_run_with_an_older_date_waits_for_the_one_at_work(office: Office) -> None:
    """When clocks went back and a run in work looks younger than a waiting one, the waiting one still waits."""
    session = await office.new_session()
    working, waiting_run = [await office.queue(session) for _ in range(2)]
    await office.take(working.id)
    async with office.asking() as scope:
        await scope.execute("update runs set created_at = '2000-01-01' where id = %s", (waiting_run.id,))
    assert await office.claim(waiting_run.id) is None


async def test_an_attempt_is_taken_once(office: Office) -> None:
    """Whoever wants a run for an attempt that was taken gets nothing, however late it asks."""
    run = await office.queue()
    taken = await office.claim(run.id, attempt=0)
    assert taken is not None
    assert await office.claim(run.id, attempt=0) is None
    assert await office.claim(run.id, attempt=2) is None


async def test_a_run_that_was_left_behind_is_taken_again(office: Office) -> None:
    """The next worker takes it with the next attempt, and that counts; the start of the first one stays."""
    run = await office.queue()
    before = await office.claim(run.id)
    after = await office.claim(run.id)
    assert before is not None
    assert after is not None
    assert (before.attempt, before.crashes, after.attempt, after.crashes) == (1, 0, 2, 1)
    assert after.started_at == before.started_at


async def test_a_run_that_was_put_down_is_taken_again(office: Office) -> None:
    """A worker that stops leaves its run to another one, which is no crash; it may write no more itself."""
    worker = await office.begin()
    async with office.working(worker) as scope:
        await runs.put_down(scope, run_of(worker), "runs")
    assert (await office.row(run_of(worker))).status == "queued"
    with pytest.raises(Fenced):
        await noted(office, worker)
    after = await office.claim(run_of(worker))
    assert after is not None
    assert (after.attempt, after.crashes) == (2, 0)


@pytest.mark.parametrize("status", sorted(FINISHED))
async def test_a_run_that_has_ended_is_never_taken(office: Office, status: RunStatus) -> None:
    """An end is an end: no worker takes the run again, and it has a time."""
    worker = await office.begin()
    await office.finish(worker, status)
    run = await office.row(run_of(worker))
    assert (run.status, run.finished) == (status, True)
    assert await office.claim(run.id) is None


async def test_an_earlier_attempt_changes_nothing(office: Office) -> None:
    """A worker that was paused and woken after take-over is refused whatever it writes."""
    worker = await office.begin()
    later = await office.take(run_of(worker))
    for act in (
        office.finish(worker),
        strategy_set(office, worker),
        noted(office, worker),
    ):
        with pytest.raises(Fenced):
            await act
    run = await office.row(run_of(later))
    assert (run.status, run.attempt, run.strategy) == ("running", 2, None)


async def strategy_set(office: Office, worker: Identity) -> None:
    """Keep how the request is handled."""
    async with office.working(worker) as scope:
        runs.set_strategy(scope, run_of(worker), "simple")


async def noted(office: Office, worker: Identity) -> None:
    """Write into the workspace."""
    async with office.working(worker) as scope:
        await scope.execute("insert into notes (content) values ('late')")


async def test_a_made_up_attempt_changes_nothing(office: Office) -> None:
    """An attempt that never held the run, or a run that is someone else's, is refused."""
    worker = await office.begin()
    for other in (replace(worker, attempt=7), replace(worker, attempt=None), replace(worker, run_id=uuid4())):
        with pytest.raises(Fenced):
            await office.finish(other)


async def test_a_key_makes_one_run(office: Office, strangers_office: Office) -> None:
    """The same idempotency key makes one run of a person's, and says nothing about another person's."""
    session = await office.new_session()
    first = await office.queue(session, key="k")
    async with office.asking() as scope:
        assert await inserted(scope, NewRun(session, "again", "digest", "k")) is None
        assert await runs.find_by_key(scope, "k") == first
    assert (await strangers_office.queue(key="k")).id != first.id


async def test_a_key_used_eight_times_at_once_makes_one_run(office: Office) -> None:
    """However many requests carry it at the same moment."""
    session = await office.new_session()

    async def insert() -> Run | None:
        async with office.asking() as scope:
            return await inserted(scope, NewRun(session, "hello", "digest", "k"))

    made = await asyncio.gather(*(insert() for _ in range(8)))
    assert len([run for run in made if run]) == 1


async def test_a_run_needs_a_session_of_the_same_person(office: Office, strangers_office: Office) -> None:
    """A run cannot be queued in someone else's conversation."""
    with pytest.raises(StatementRefused):
        await strangers_office.queue(await office.new_session())


async def test_nobody_sees_or_takes_anothers_run(office: Office, strangers_office: Office) -> None:
    """For another person the run does not exist."""
    run = await office.queue(key="k")
    async with strangers_office.asking() as scope:
        assert await runs.find(scope, run.id) is None
        assert await runs.find_by_key(scope, "k") is None
        assert await runs.newest(scope, 10) == []
        assert not await runs.request_cancel(scope, run.id)
        assert not await waiting.cancel_queued(scope, run.id, CANCELLED)
    assert await strangers_office.claim(run.id) is None


async def test_a_run_adds_up_its_model_calls(office: Office) -> None:
    """At its end a run's tokens are the sum over its model calls; one that was never settled counts nothing."""
    worker = await office.begin()
    session = (await office.row(run_of(worker))).session_id
    async with office.working(worker) as scope:
        agent = new_planner(scope, session, run_of(worker), [], "Plan.")
        for tokens in (10, 20):
            call = uuid4()
            reserve(scope, run_of(worker), call, agent, Price(400, 100))
            spent = Usage(tokens, tokens // 2, 1)
            usage.settle(scope, call, Cost("deep", spent, estimated=False, outcome="answered"), 5)
        reserve(scope, run_of(worker), uuid4(), agent, Price(400, 100))
        assert len(await usage.of_run(scope, run_of(worker))) == 3
        assert await usage.total(scope, run_of(worker)) == Usage(30, 15, 2)
    await office.finish(worker)
    run = await office.row(run_of(worker))
    assert (run.prompt_tokens, run.completion_tokens) == (30, 15)


async def test_cancelling_is_asked_for_once(office: Office) -> None:
    """The first request's time stays, and a run that has ended is past it."""
    worker = await office.begin()
    async with office.asking() as scope:
        assert await runs.request_cancel(scope, run_of(worker))
    first = (await office.row(run_of(worker))).cancel_requested_at
    async with office.asking() as scope:
        assert await runs.request_cancel(scope, run_of(worker))
    assert first is not None
    assert (await office.row(run_of(worker))).cancel_requested_at == first
    await office.finish(worker, RunStatus.CANCELLED)
    async with office.asking() as scope:
        assert not await runs.request_cancel(scope, run_of(worker))


async def test_a_run_is_taken_or_cancelled_never_both(office: Office) -> None:
    """When a worker and a cancellation reach for a queued run at one moment, one of them gets it."""
    for _ in range(10):
        run = await office.queue()
        claimed, cancelled = await asyncio.gather(office.claim(run.id), cancel(office, run.id))
        assert (claimed is None) == cancelled
        assert len(await office.log_of(run.id)) == int(cancelled)


async def cancel(office: Office, run_id: UUID) -> bool:
    """End a run that no worker has taken."""
    async with office.asking() as scope:
        return await waiting.cancel_queued(scope, run_id, CANCELLED)


async def test_a_cancelled_run_lets_the_next_one_in(office: Office) -> None:
    """A run that never began ends with its event, and whoever waited behind it is first."""
    session = await office.new_session()
    first, second = await office.queue(session), await office.queue(session)
    async with office.asking() as scope:
        assert await runs.queue_place(scope, second.id) == 1
        assert [run.run_id for run in await waiting.unfinished_in(scope, session)] == [first.id, second.id]
        assert await waiting.cancel_queued(scope, first.id, CANCELLED)
        assert await runs.queue_place(scope, second.id) == 0
    ended = await office.row(first.id)
    assert (ended.status, ended.finished_reason, ended.last_seq) == ("cancelled", "cancelled", 1)
    assert await office.claim(second.id) is not None


async def test_the_newest_runs_come_first(office: Office) -> None:
    """A list of runs begins with the last one, and is as long as asked."""
    made = [await office.queue() for _ in range(3)]
    async with office.asking() as scope:
        assert [run.id for run in await runs.newest(scope, 2)] == [made[2].id, made[1].id]
