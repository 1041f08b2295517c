"""Runs at work."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from nodes.vocabulary.events import TERMINAL_TYPES
from persistence.errors import DatabaseUnavailable, Fenced
from persistence.pools import Database
from persistence.runs import events, runs
from persistence.runs.runs import Run
from persistence.scope import Role
from server import worker as worker_module
from server.accept import accept
from server.bodies import Ask
from server.tail import Hub
from server.worker import Pace, Worker, traced
from tests.conftest import Person
from tests.server.reading import ended, run_of, until
from tests.server.scripted_turns import ScriptedTurns

FAST = Pace(lease_seconds=0.6, heartbeat_seconds=0.1, runs_at_once=4)


@asynccontextmanager
async def at_work(database: Database, script: ScriptedTurns, pace: Pace = FAST) -> AsyncGenerator[Worker]:
    """Give a worker that plays the script, and stop it after."""
    worker = Worker(database, script.turns(), Hub(), pace)
    try:
        yield worker
    finally:
        script.go_on.set()
        await worker.stop()


async def asked(database: Database, person: Person, session_id: UUID | None = None) -> Run:
    """Accept a message."""
    return (await accept(database, person.id, Ask(message="Hello", session_id=session_id))).run


async def types_of(database: Database, person: Person, run: Run) -> list[str]:
    """Return the types of a run's events."""
    async with database.acting(Role.API, person.identity) as scope:
        return [event.type for event in await events.after(scope, run.id, 0, 1000)]


@pytest.fixture
def waiting_script(database: Database) -> ScriptedTurns:
    """Give turns that wait in their middle until the test lets them go on."""
    return ScriptedTurns(database, before=["One, "], after=["two."])


async def test_a_run_is_worked_on_to_its_end(database: Database, person: Person, script: ScriptedTurns) -> None:
    """A submitted run is taken once and reaches its terminal event."""
    run = await asked(database, person)
    async with at_work(database, script) as worker:
        worker.submit(person.id, run.id)
        worker.submit(person.id, run.id)
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt, len(script.began)) == ("done", 1, 1)
    assert await types_of(database, person, run) == ["session", "text", "text", "done"]


async def test_the_runs_of_a_session_take_turns(
    database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """A second message waits for the first, and is taken up by itself when the first has ended."""
    first = await asked(database, person)
    second = await asked(database, person, first.session_id)
    async with at_work(database, waiting_script) as worker:
        worker.submit(person.id, first.id)
        worker.submit(person.id, second.id)
        await waiting_script.at_the_gate.wait()
        waiting = await run_of(database, person, str(second.id))
        waiting_script.go_on.set()
        await ended(database, person, str(second.id))
    assert waiting is not None
    assert waiting.status == "queued"
    assert [identity.run_id for identity in waiting_script.began] == [first.id, second.id]


async def test_what_was_left_behind_is_taken_up(database: Database, person: Person, script: ScriptedTurns) -> None:
    """A worker that starts takes the runs nobody holds: queued ones, and those whose lease ran out."""
    queued, dropped = await asked(database, person), await asked(database, person)
    async with database.acting(Role.WORKER, person.identity) as scope:
        await runs.claim(scope, dropped.id, 0)
    async with at_work(database, script) as worker:
        worker.start()
        assert (await ended(database, person, str(queued.id))).attempt == 1
        assert (await ended(database, person, str(dropped.id))).attempt == 2


async def test_a_held_run_is_nobody_elses(database: Database, person: Person, waiting_script: ScriptedTurns) -> None:
    """While a worker gives signs of life its lease moves on, and no other can take the run, however long it lasts."""
    run = await asked(database, person)

    async def lease_moved_on() -> bool:
        async with database.acting(Role.API, person.identity) as scope:
            question = "select lease_until - started_at > make_interval(secs => %s) from runs where id = %s"
            return await scope.value(bool, question, (2 * FAST.lease_seconds, run.id)) or False

    async with at_work(database, waiting_script) as worker:
        worker.submit(person.id, run.id)
        await until(lease_moved_on)
        async with database.acting(Role.WORKER, person.identity) as scope:
            assert await runs.claim(scope, run.id, 1) is None
        waiting_script.go_on.set()
        row = await ended(database, person, str(run.id))
    assert row.attempt == 1


async def test_a_worker_that_lost_its_run_stops_quietly(
    database: Database, person: Person, waiting_script: ScriptedTurns, script: ScriptedTurns
) -> None:
    """When another attempt took the run, the earlier one is stopped and writes nothing more."""
    run = await asked(database, person)
    slow = Pace(lease_seconds=0.05, heartbeat_seconds=0.3, runs_at_once=1)
    async with at_work(database, waiting_script, slow) as loser, at_work(database, script) as winner:
        loser.submit(person.id, run.id)
        await waiting_script.at_the_gate.wait()
        winner.start()
        row = await ended(database, person, str(run.id))
        await until(lambda: _idle(loser))
    assert (row.status, row.attempt) == ("done", 2)
    assert await types_of(database, person, run) == ["session", "text", "text", "done"]


async def _idle(worker: Worker) -> bool:
    return not worker.busy


async def test_a_cancelled_run_keeps_what_was_said(
    database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """A run that is stopped in its middle ends as cancelled, once, with its text so far."""
    run = await asked(database, person)
    async with at_work(database, waiting_script) as worker:
        worker.submit(person.id, run.id)
        await waiting_script.at_the_gate.wait()
        worker.cancel(run.id)
        worker.cancel(run.id)
        row = await ended(database, person, str(run.id))
    assert (row.status, row.finished_reason) == ("cancelled", "cancelled")
    assert await types_of(database, person, run) == ["session", "text", "done"]


async def test_a_cancellation_of_another_process_is_noticed(
    database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """A wish to stop that was stored elsewhere is obeyed at the next heartbeat."""
    run = await asked(database, person)
    async with at_work(database, waiting_script) as worker:
        worker.submit(person.id, run.id)
        await waiting_script.at_the_gate.wait()
        async with database.acting(Role.API, person.identity) as scope:
            assert await runs.request_cancel(scope, run.id)
        assert (await ended(database, person, str(run.id))).status == "cancelled"


async def test_a_run_cancelled_before_it_is_taken_never_begins(
    database: Database, person: Person, script: ScriptedTurns
) -> None:
    """A run whose stop was asked for before it was taken ends without a turn."""
    run = await asked(database, person)
    async with database.acting(Role.API, person.identity) as scope:
        await runs.request_cancel(scope, run.id)
    async with at_work(database, script) as worker:
        worker.submit(person.id, run.id)
        assert (await ended(database, person, str(run.id))).status == "cancelled"
    assert script.began == []


async def test_an_error_nobody_foresaw_ends_the_run_and_is_logged_without_its_text(
    database: Database, person: Person, script: ScriptedTurns, caplog: pytest.LogCaptureFixture
) -> None:
    """A turn that raises ends by an `error` event; the log says where it happened and not what was in it."""
    script.raised = KeyError("the person's secret diary")
    run = await asked(database, person)
    with caplog.at_level(logging.ERROR, "server.worker"):
        async with at_work(database, script) as worker:
            worker.submit(person.id, run.id)
            row = await ended(database, person, str(run.id))
    assert (row.status, row.error_code) == ("error", "internal")
    assert "KeyError < scripted_turns.py:" in caplog.text
    assert "diary" not in caplog.text


@pytest.mark.parametrize("error", [Fenced(), DatabaseUnavailable()])
async def test_a_run_that_cannot_be_written_is_left_to_the_next_attempt(
    database: Database, person: Person, script: ScriptedTurns, error: Exception
) -> None:
    """Without database or fence a worker writes nothing, and the run is taken again when its lease is over."""
    script.raised = error
    run = await asked(database, person)
    async with at_work(database, script) as worker:
        worker.submit(person.id, run.id)
        await until(lambda: _idle(worker))
        script.raised = None
        worker.start()
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt) == ("done", 2)
    assert (await types_of(database, person, run)).count("text") == 2


async def test_a_worker_that_does_not_sweep_takes_its_own_run_up_again(
    database: Database, person: Person, script: ScriptedTurns
) -> None:
    """After the database was away in the middle of a turn, the same worker goes on when the lease is over."""
    script.raised = DatabaseUnavailable()
    run = await asked(database, person)
    async with at_work(database, script) as worker:
        worker.submit(person.id, run.id)
        await until(lambda: _idle(worker))
        script.raised = None
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt) == ("done", 2)


async def test_a_run_that_takes_every_worker_down_is_given_up(
    database: Database, person: Person, script: ScriptedTurns
) -> None:
    """After three attempts that came to no end a run ends visibly, and its turn is not begun again."""
    run = await asked(database, person)
    for _ in range(worker_module.ATTEMPTS_MAX):
        async with database.acting(Role.WORKER, person.identity) as scope:
            assert await runs.claim(scope, run.id, 0) is not None
    async with at_work(database, script) as worker:
        worker.start()
        row = await ended(database, person, str(run.id))
    assert (row.status, row.error_code, script.began) == ("error", "attempts_exhausted", [])


async def test_a_stopping_worker_lets_turns_end(
    database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """A worker that is told to stop takes nothing more and waits for what it holds."""
    run, later = await asked(database, person), await asked(database, person)
    async with at_work(database, waiting_script) as worker:
        worker.submit(person.id, run.id)
        await waiting_script.at_the_gate.wait()
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0)
        worker.submit(person.id, later.id)
        waiting_script.go_on.set()
        await stopping
    row, left = await run_of(database, person, str(run.id)), await run_of(database, person, str(later.id))
    assert row is not None
    assert left is not None
    assert (row.status, left.status) == ("done", "queued")


async def test_a_turn_that_does_not_end_is_put_down_for_others(
    database: Database,
    person: Person,
    waiting_script: ScriptedTurns,
    script: ScriptedTurns,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has not ended when the process must go is free at once for another worker, unfinished and not cancelled."""
    monkeypatch.setattr(worker_module, "DRAIN_SECONDS", 0.05)
    run = await asked(database, person)
    patient = Pace(lease_seconds=60, heartbeat_seconds=20, runs_at_once=1)
    worker = Worker(database, waiting_script.turns(), Hub(), patient)
    worker.submit(person.id, run.id)
    await waiting_script.at_the_gate.wait()
    await worker.stop()
    async with at_work(database, script) as other:
        other.start()
        row = await ended(database, person, str(run.id))
    assert (row.status, row.attempt) == ("done", 2)


async def test_no_more_runs_are_held_than_there_are_places(
    database: Database, person: Person, waiting_script: ScriptedTurns
) -> None:
    """With one place the second session's run waits until the first has ended."""
    first, second = await asked(database, person), await asked(database, person)
    async with at_work(database, waiting_script, Pace(5, 1, runs_at_once=1)) as worker:
        worker.submit(person.id, first.id)
        worker.submit(person.id, second.id)
        await waiting_script.at_the_gate.wait()
        waiting = await run_of(database, person, str(second.id))
        waiting_script.go_on.set()
        await ended(database, person, str(second.id))
    assert waiting is not None
    assert waiting.status == "queued"


async def test_a_finished_run_has_one_terminal_event_and_nothing_after_it(
    database: Database, person: Person, script: ScriptedTurns
) -> None:
    """The terminal event is the last, and there is one."""
    run = await asked(database, person)
    async with at_work(database, script) as worker:
        worker.submit(person.id, run.id)
        await ended(database, person, str(run.id))
    types = await types_of(database, person, run)
    assert [kind in TERMINAL_TYPES for kind in types] == [False] * (len(types) - 1) + [True]


def test_a_trace_of_an_error_holds_places_only() -> None:
    """What is logged of an error is its kind and where it was raised."""
    with pytest.raises(ValueError, match="private") as caught:
        int("private")
    assert traced(caught.value).startswith("ValueError < test_worker.py:")
    assert "private" not in traced(caught.value)
