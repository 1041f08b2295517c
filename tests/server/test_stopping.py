"""Stopping runs and deleting sessions, below HTTP."""

from uuid import uuid4

from persistence.pools import Database
from persistence.record import sessions
from persistence.runs import events, runs
from persistence.runs.runs import Run
from persistence.scope import Role
from server.accept import accept
from server.bodies import Ask
from server.stopping import Stopped, delete_session, stop_run
from server.wiring import Planwright
from tests.conftest import Person
from tests.server.reading import ended, run_of
from tests.server.scripted_turns import ScriptedTurns


async def asked(planwright: Planwright, person: Person, session_id: object = None) -> Run:
    """Accept a message, as the route does."""
    ask = Ask.model_validate({"message": "Hello", "session_id": session_id})
    return (await accept(planwright.database, person.id, ask, queue=planwright.queue)).run


async def test_a_running_run_has_ended_when_stopping_is_answered(
    planwright: Planwright, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """Stopping a run in this process answers after its end; nothing is added to its log from then on."""
    script.go_on.clear()
    run = await asked(planwright, person)
    await script.at_the_gate.wait()
    assert await stop_run(planwright, person.id, run.id) is Stopped.ASKED
    row = await run_of(database, person, str(run.id))
    assert row is not None
    assert (row.status, row.last_seq) == ("cancelled", 3)
    assert await stop_run(planwright, person.id, run.id) is Stopped.FINISHED_BEFORE


async def test_a_waiting_run_ends_at_once_and_the_next_moves_up(
    planwright: Planwright, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """A run behind another is ended without a worker; the one behind it still gets its turn."""
    script.go_on.clear()
    first = await asked(planwright, person)
    second = await asked(planwright, person, first.session_id)
    third = await asked(planwright, person, first.session_id)
    await script.at_the_gate.wait()
    assert await stop_run(planwright, person.id, second.id) is Stopped.ASKED
    async with database.acting(Role.API, person.identity) as scope:
        logged = await events.after(scope, second.id, 0, 10)
    assert [(event.seq, event.type) for event in logged] == [(1, "session"), (2, "done")]
    assert '"finished_reason":"cancelled"' in logged[-1].payload
    script.go_on.set()
    assert (await ended(database, person, str(third.id))).status == "done"
    assert [identity.run_id for identity in script.began] == [first.id, third.id]


async def test_a_session_goes_on_after_a_stop(
    planwright: Planwright, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """The next message of the session is answered as if nothing had happened."""
    script.go_on.clear()
    run = await asked(planwright, person)
    await script.at_the_gate.wait()
    await stop_run(planwright, person.id, run.id)
    script.go_on.set()
    following = await asked(planwright, person, run.session_id)
    assert (await ended(database, person, str(following.id))).status == "done"


async def test_someone_elses_run_is_not_there(
    planwright: Planwright, database: Database, person: Person, stranger: Person, script: ScriptedTurns
) -> None:
    """A stranger's wish to stop a run changes nothing and learns nothing."""
    script.go_on.clear()
    run = await asked(planwright, person)
    for run_id in (run.id, uuid4()):
        assert await stop_run(planwright, stranger.id, run_id) is Stopped.NOT_THERE
    assert not await delete_session(planwright, stranger.id, run.session_id)
    row = await run_of(database, person, str(run.id))
    assert row is not None
    assert row.cancel_requested_at is None


async def test_a_deleted_session_leaves_nothing(
    planwright: Planwright, database: Database, person: Person, script: ScriptedTurns
) -> None:
    """Deleting a session stops its runs and removes every row of it; other sessions stay."""
    script.go_on.clear()
    other = await asked(planwright, person)
    run = await asked(planwright, person)
    await asked(planwright, person, run.session_id)
    await script.at_the_gate.wait()
    assert await delete_session(planwright, person.id, run.session_id)
    async with database.acting(Role.API, person.identity) as scope:
        assert [session.id for session in await sessions.newest(scope, 10)] == [other.session_id]
        assert [one.id for one in await runs.newest(scope, 10)] == [other.id]
        assert await events.after(scope, run.id, 0, 10) == []
    assert not await delete_session(planwright, person.id, run.session_id)
