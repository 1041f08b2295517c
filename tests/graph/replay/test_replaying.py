"""A run that happens again from its record: no model is asked, nothing is written."""

from typing import Literal

import psycopg
import pytest
from pydantic import JsonValue

from persistence.pools import Database
from persistence.record import sessions
from persistence.runs.runs import WantedRoute
from persistence.scope import Role
from server.refusals import Refused
from server.rerunning import replay
from server.undoing import Undoing, undo_run
from tests.approving import approval_of, asks_first, go_on, titles
from tests.conftest import Person
from tests.graph.replay.again import QUEUE, replayed, story
from tests.scripted_model.replies import call, status, text, tools
from tests.scripted_model.script import rules, when
from tests.server.exports.complex_runs import complex_script
from tests.turns import Turn, desk, plan, step, submit

TOKENS = ("usage", "tokensUsed")
WRITES = call("create_task", {"title": "Water the plants"})


def assert_the_same(original: Turn, again: Turn) -> None:
    """Hold that both told the same story, type by type and word by word, and cost the same."""
    assert story(again) == story(original)
    assert again.text == original.text
    assert (again.run.status, again.run.strategy) == (original.run.status, original.run.strategy)
    assert again.run.prompt_tokens + again.run.completion_tokens == (
        original.run.prompt_tokens + original.run.completion_tokens
    )


async def test_a_plan_with_executors_and_a_write_happens_again(database: Database, person: Person) -> None:
    """Steps side by side, a write in a third, the answer: all as before, and the task is there once."""
    async with desk(database, person, complex_script()) as at:
        original = await at.ask("Put my house in order")
        asked = len(at.model.requests)
        again = await replayed(at, original.run.id)
        assert len(at.model.requests) == asked
        assert [row["title"] for row in await at.rows("select title from tasks")] == ["Water the plants"]
        models = await at.rows("select distinct model from model_usage where run_id = %s", again.run.id)
    assert_the_same(original, again)
    assert [row["model"] for row in models] == ["planwright-recorded"]
    assert (again.run.replay_of, again.run.writes) == (original.run.id, "recorded")
    assert again.run.session_id != original.run.session_id


TALKS = {
    "a plain answer": rules(when(text("Good morning to you.", deltas=4))),
    "a few tools": rules(
        when(text("Noted."), last_role="tool"), when(tools(WRITES, call("list_tasks", {}), text="One moment."))
    ),
    "the same call twice at once": rules(
        when(text("Both."), last_role="tool"), when(tools(call("list_tasks", {}), call("list_tasks", {})))
    ),
    "a tool that refuses": rules(
        when(text("There is none."), last_role="tool"),
        when(
            tools(call("get_note_details", {"note_id": "00000000-0000-4000-8000-000000000000"}), call("nonsense", {}))
        ),
    ),
    "a chain": rules(
        when(plan(step(1), step(2, after=[1])), offers="create_plan", last_role="user"),
        when(text("Part done."), says="# Step"),
        when(text("Both parts are done.")),
    ),
    "a plan that had to be mended": rules(
        when(plan(step(1), step(1)), plan(step(1), step(2)), offers="create_plan"),
        when(submit(), offers="submit_result"),
        when(text("Done.")),
    ),
    "a step that failed, and another way": rules(
        when(submit("No.", "failed"), offers="submit_result", says="Do part 1."),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan", lacks="submit_result", last_stays=False),
        when(plan(step(3), step(4)), offers="create_plan"),
        when(text("It took another way.")),
    ),
    "an answer that claims too much": rules(when(text("I have created the task “Gone”."))),
}


@pytest.mark.parametrize("kind", TALKS)
async def test_every_way_through_the_graph_happens_again(database: Database, person: Person, kind: str) -> None:
    """Whatever a run did, its replay does, word for word, and asks nobody."""
    async with desk(database, person, TALKS[kind]) as at:
        original = await at.ask("Look at everything")
        assert original.run.status == "done", original.events[-1]
        asked = len(at.model.requests)
        again = await replayed(at, original.run.id)
        assert len(at.model.requests) == asked
    assert_the_same(original, again)


@pytest.mark.parametrize("route", WantedRoute)
async def test_a_wanted_route_is_taken_again(database: Database, person: Person, route: WantedRoute) -> None:
    """How the person wanted it handled stands with the replay too, so that everything is at its place."""
    script = rules(
        when(plan(step(1), step(2)), offers="create_plan"),
        when(submit(), offers="submit_result"),
        when(text("Good morning.")),
    )
    async with desk(database, person, script) as at:
        original = await at.ask("Look at everything", route)
        assert original.run.status == "done"
        again = await replayed(at, original.run.id)
    assert again.run.route == route
    assert_the_same(original, again)


async def test_a_follow_up_and_a_replay_of_a_replay_happen_again(database: Database, person: Person) -> None:
    """What was said before is there, however far back the record goes."""
    async with desk(database, person, [text("Blue."), text("You asked for a colour.")]) as at:
        await at.ask("Name a colour")
        original = await at.ask("What did I ask?")
        first = await replayed(at, original.run.id)
        second = await replayed(at, first.run.id)
        seen = await at.rows(
            """
            select string_agg(m.content, ' ') as seen from agent_chat_sessions s
            join agent_chat_messages m on m.agent_session_id = s.id where s.run_id = %s
            """,
            second.run.id,
        )
    assert_the_same(original, first)
    assert_the_same(original, second)
    assert "Name a colour" in seen[0]["seen"]


@pytest.mark.parametrize(
    ("said", "calls"),
    [
        pytest.param("approve", None, id="all approved"),
        pytest.param("approve", {"arguments": {"title": "Water the roses"}}, id="one changed"),
        pytest.param("deny", None, id="all denied"),
    ],
)
async def test_what_was_decided_is_not_asked_again(
    database: Database, person: Person, said: Literal["approve", "deny"], calls: dict[str, JsonValue] | None
) -> None:
    """A pause is left out; what the person said then stands, and what came of it."""
    async with desk(database, person, TALKS["a few tools"]) as at:
        await asks_first(at)
        waiting = await at.ask("Remember the plants")
        edits: dict[str, JsonValue] = {} if calls is None else {approval_of(waiting)["calls"][0]["id"]: calls}
        original = await go_on(at, waiting, said, calls=edits)
        assert original.run.status == "done"
        before = await titles(at)
        again = await replayed(at, original.run.id)
        assert await titles(at) == before
    original.events[:] = [event for event in original.events if "approval" not in event]
    assert_the_same(original, again)


async def test_undoing_a_replay_changes_nothing(database: Database, person: Person) -> None:
    """It wrote nothing, so nothing is undone or left."""
    async with desk(database, person, TALKS["a few tools"]) as at:
        original = await at.ask("Remember the plants")
        again = await replayed(at, original.run.id)
        assert await undo_run(database, person.id, again.run.id) == Undoing([], [])
        assert len(await titles(at)) == 1


@pytest.mark.parametrize("commits", range(1, 14))
async def test_a_replay_survives_its_worker(database: Database, person: Person, commits: int) -> None:
    """Taken up again after any commit, it goes on where it stood, by the places of the record and not by counting.

    Only its tokens are more: a call that was under way counts twice, as in any run.
    """
    async with desk(database, person, complex_script()) as at:
        original = await at.ask("Put my house in order")
        asked = len(at.model.requests)
        run = await replay(at.engine, at.person.id, original.run.id, QUEUE)
        await at.crash(run.id, commits)
        again = await at.taken_up(run.id)
        assert len(at.model.requests) == asked
        assert len(await at.rows("select from tasks")) == 1
    assert story(again, without=TOKENS) == story(original, without=TOKENS)


async def test_what_did_not_end_well_is_refused(database: Database, person: Person) -> None:
    """A run that ended by an error has no whole record; nothing is stored."""
    async with desk(database, person, [status(401)]) as at:
        original = await at.ask("Good morning")
        assert original.run.status == "error"
        with pytest.raises(Refused) as refusal:
            await replay(at.engine, at.person.id, original.run.id, QUEUE)
        assert len(await at.rows("select from runs")) == 1
    assert refusal.value.code == "record_incomplete"


async def test_a_run_whose_worker_died_is_refused(database: Database, person: Person) -> None:
    """What was said before the crash may have been said twice."""
    async with desk(database, person, complex_script()) as at:
        run_id = await at.accept("Put my house in order")
        await at.crash(run_id, 4)
        await at.taken_up(run_id)
        with pytest.raises(Refused) as refusal:
            await replay(at.engine, at.person.id, run_id, QUEUE)
    assert refusal.value.code == "record_incomplete"


async def test_a_record_that_lost_something_is_refused(database: Database, person: Person, admin_dsn: str) -> None:
    """Without its events, or with a call that nobody knows the outcome of, there is nothing to go by."""
    async with desk(database, person, TALKS["a few tools"]) as at:
        original = await at.ask("Look")
        for change in (
            "update planwright.tool_calls set state = 'unknown' where run_id = %s",
            "update planwright.runs set events_expired_at = now() where id = %s",
        ):
            with psycopg.connect(admin_dsn) as admin:
                admin.execute(change, (original.run.id,))
            with pytest.raises(Refused) as refusal:
                await replay(at.engine, at.person.id, original.run.id, QUEUE)
            assert refusal.value.code == "record_incomplete"


async def test_a_record_that_goes_meanwhile_ends_the_run_honestly(database: Database, person: Person) -> None:
    """A replay whose original was deleted before its turn came ends with the error that says so."""
    async with desk(database, person, [text("Good morning.")]) as at:
        original = await at.ask("Good morning")
        run = await replay(at.engine, at.person.id, original.run.id, QUEUE)
        async with database.acting(Role.API, person.identity) as scope:
            await sessions.delete(scope, original.run.session_id)
        again = await at.finish(run.id)
    assert again.events[-1]["code"] == "record_incomplete"
