"""Upkeep: what one process a minute does for everybody."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from persistence import retention
from persistence.errors import DatabaseUnavailable
from persistence.pools import Database
from persistence.runs import approvals
from persistence.runs.approvals import NewCall
from persistence.runs.events import KeyedEvent
from persistence.scope import Identity, Scope
from server import upkeep as upkeep_module
from server.upkeep import Keeping, Upkeep
from tests.conftest import Person
from tests.run_rows import Office, run_of
from tests.server.reading import until

NOBODY = Identity(UUID(int=0))


async def ended_long_ago(office: Office) -> UUID:
    """Store a run with a log that ended forty days ago."""
    worker = await office.begin()
    await office.append(worker, [KeyedEvent("end", "done", "{}")])
    await office.finish(worker)
    async with office.asking() as scope:
        await scope.execute("update runs set finished_at = now() - interval '40 days' where id = %s", (worker.run_id,))
    return run_of(worker)


@pytest.fixture
def office(database: Database, person: Person) -> Office:
    """Give a person's runs."""
    return Office(database, person)


@pytest.fixture(autouse=True)
async def nobody_did_a_round(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a round be due for whoever asks first."""
    monkeypatch.setattr(upkeep_module, "SPACING", timedelta(0))


async def test_a_round_begins_with_the_process(database: Database, office: Office) -> None:
    """What was kept long enough is gone soon after a worker started."""
    run_id = await ended_long_ago(office)
    upkeep = Upkeep(database, Keeping(event_days=30, checkpoint_days=30))
    upkeep.start()

    async def is_gone() -> bool:
        return (await office.row(run_id)).events_expired_at is not None

    await until(is_gone)
    await upkeep.stop()
    assert await office.log_of(run_id) == []


async def test_zero_days_are_for_ever(database: Database, office: Office) -> None:
    """With 0 nothing expires."""
    run_id = await ended_long_ago(office)
    await Upkeep(database, Keeping(event_days=0, checkpoint_days=0)).round()
    assert len(await office.log_of(run_id)) == 1


async def test_all_that_is_due_goes_in_one_round(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round takes batch after batch, up to what a round may take."""
    monkeypatch.setattr(upkeep_module, "BATCH", 1)
    old = [await ended_long_ago(office) for _ in range(3)]
    upkeep = Upkeep(database, Keeping(event_days=30, checkpoint_days=30))
    await upkeep.round()
    assert [await office.log_of(run_id) for run_id in old] == [[], [], []]
    monkeypatch.setattr(upkeep_module, "BATCHES_MAX", 1)
    later = [await ended_long_ago(office) for _ in range(2)]
    await upkeep.round()
    assert sorted([len(await office.log_of(run_id)) for run_id in later]) == [0, 1]


async def test_an_approval_runs_out(database: Database, office: Office) -> None:
    """A run that waited too long for a person is handed to a worker, to be ended as cancelled."""
    worker = await office.begin()
    async with office.working(worker) as scope:
        await approvals.insert(scope, run_of(worker), 1, "digest", -1.0, list[NewCall]())
        await scope.execute("update runs set status = 'waiting' where id = %s", (worker.run_id,))
    await Upkeep(database, Keeping(event_days=30, checkpoint_days=30)).round()
    run = await office.row(run_of(worker))
    assert (run.status, run.cancel_requested_at is not None) == ("queued", True)


async def test_a_database_that_is_away_is_tried_again(
    database: Database, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that fails is left to the next."""
    monkeypatch.setattr(upkeep_module, "ROUND_SECONDS", 0.01)
    asked, begin_round, done = iter(range(1000)), retention.begin_round, asyncio.Event()

    async def begin_at_the_third_try(scope: Scope, spacing: timedelta) -> bool:
        if next(asked) < 2:
            raise DatabaseUnavailable
        done.set()
        return await begin_round(scope, spacing)

    monkeypatch.setattr(retention, "begin_round", begin_at_the_third_try)
    upkeep = Upkeep(database, Keeping(event_days=30, checkpoint_days=30))
    upkeep.start()
    await done.wait()
    await upkeep.stop()


async def test_stopping_waits_for_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process stops in the middle of a round."""
    begun = asyncio.Event()

    async def endless(scope: Scope, older_than: timedelta, most: int) -> int:
        begun.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(retention, "expire_events", endless)
    upkeep = Upkeep(database, Keeping(event_days=30, checkpoint_days=30))
    upkeep.start()
    await begun.wait()
    async with asyncio.timeout(1):
        await upkeep.stop()
