"""A run's write intents at work: when they are asked for, and what comes of a write that nobody asked for."""

from typing import Final

from pydantic import JsonValue

from persistence.pools import Database
from tests.approving import approval_of, asks_first, go_on, titles
from tests.conftest import Person
from tests.scripted_model.intents import everything, only
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import rules, when
from tests.turns import desk, plan, step, submit

MILK = call("create_task", {"title": "Buy milk"})
NOTE = call("create_note", {"content": "Milk is white."})
NOBODYS = "00000000-0000-4000-8000-000000000000"
ASKED: Final[dict[str, JsonValue]] = {"change": "new_task", "names": ["buy milk"], "at_most": 1}


async def test_reading_costs_no_call(database: Database, person: Person) -> None:
    """A run that changes nothing is never asked what it may change."""
    async with desk(database, person, [tools(call("list_tasks", {})), text("Nothing.")]) as at:
        assert (await at.ask("What is open?")).run.status == "done"
        assert at.model.asked_for_intents == []


async def test_a_write_that_was_asked_for_runs_at_once(database: Database, person: Person) -> None:
    """One question for the whole run, whatever it writes."""
    script = [tools(MILK), tools(NOTE), text("Both are there.")]
    async with desk(database, person, script, intents=everything) as at:
        turn = await at.ask("Remember the milk, and note that it is white")
        assert (turn.run.status, await titles(at)) == ("done", ["Buy milk"])
        assert len(at.model.asked_for_intents) == 1


async def test_a_write_that_was_not_asked_for_waits(database: Database, person: Person) -> None:
    """What was asked for before it is done by then; the person sees only the other, and decides."""
    async with desk(database, person, [tools(MILK, NOTE), text("Done so far.")], intents=only(ASKED)) as at:
        turn = await at.ask("Remember to buy milk")
        assert [shown["tool"] for shown in approval_of(turn)["calls"]] == ["create_note"]
        assert await titles(at) == ["Buy milk"]
        turn = await go_on(at, turn, "deny")
        assert (turn.run.status, await at.rows("select id from notes")) == ("done", [])
        assert len(at.model.asked_for_intents) == 1


async def test_a_person_may_allow_what_was_not_asked_for(database: Database, person: Person) -> None:
    """Approved, it runs."""
    async with desk(database, person, [tools(NOTE), text("It is kept.")], intents=only()) as at:
        turn = await go_on(at, await at.ask("Hm"))
        assert (turn.run.status, len(await at.rows("select id from notes"))) == ("done", 1)


async def test_who_is_asked_for_every_write_is_not_asked_by_a_model(database: Database, person: Person) -> None:
    """In `ask` the person sees every write, so nothing has to be taken from their words."""
    async with desk(database, person, [tools(MILK), text("Done.")]) as at:
        await asks_first(at)
        turn = await go_on(at, await at.ask("Remember to buy milk"))
        assert (turn.run.status, at.model.asked_for_intents) == ("done", [])


async def test_what_is_ordered_by_name_needs_no_intents(database: Database, person: Person) -> None:
    """A call that deletes is decided by the order in the message alone, as before."""
    async with desk(
        database, person, [tools(call("delete_calendar_event", {"event_id": NOBODYS})), text("Gone.")]
    ) as at:
        await at.ask("Tidy up")
        assert at.model.asked_for_intents == []


async def test_a_plan_adds_no_write(database: Database, person: Person) -> None:
    """A plan that names a write tool allows nothing by that: its step waits as any call does."""
    script = rules(
        when(tools(call("list_tasks", {})), offers="submit_result", last_role="user"),
        when(submit("Create the note at once."), offers="submit_result"),
        when(tools(NOTE), says="# Step 3"),
        when(plan(step(1), step(2), step(3, by="planner", tool="create_note", after=[1, 2])), offers="create_plan"),
        when(text("That is all.")),
    )
    async with desk(database, person, script, intents=only(ASKED)) as at:
        turn = await at.ask("Remember to buy milk")
        assert [shown["tool"] for shown in approval_of(turn)["calls"]] == ["create_note"]


async def test_a_crash_does_not_ask_again(database: Database, person: Person) -> None:
    """Wherever the worker dies behind an event, a run's intents are asked for once."""
    for commits in range(1, 5):
        async with desk(database, person, [tools(MILK), tools(MILK), text("Done."), text("Done.")]) as at:
            run_id = await at.accept("Remember to buy milk")
            assert await at.crash(run_id, commits)
            turn = await at.taken_up(run_id)
            assert turn.run.status == "done"
            assert len(at.model.asked_for_intents) == 1, commits


async def test_a_person_is_asked_so_often_and_no_more(database: Database, person: Person) -> None:
    """The ninth question of a run is not put: the call is refused, the model is told, and the run ends honestly."""
    script = [tools(call("create_task", {"title": f"Part {number}"})) for number in range(9)]
    async with desk(database, person, [*script, text("Eight of nine parts are there.")]) as at:
        await asks_first(at)
        turn = await at.ask("Nine parts")
        for _ in range(8):
            turn = await go_on(at, turn)
        assert (turn.run.status, len(await titles(at))) == ("done", 8)
        assert "is not asked again" in at.model.requests[-1].results


async def test_a_plan_asks_for_sixteen_at_a_time(database: Database, person: Person) -> None:
    """Steps that wait together are put to the person in questions that can be read."""
    many = tools(*(call("create_task", {"title": f"Part {number}"}) for number in range(10)))
    script = rules(
        when(many, says="# Step 1"),
        when(many, says="# Step 2"),
        when(text("Done."), mentions="# Step", last_role="tool"),
        when(
            plan(step(1, by="planner", tool="create_task"), step(2, by="planner", tool="create_task")),
            offers="create_plan",
        ),
        when(text("All of them are there.")),
    )
    async with desk(database, person, script) as at:
        await asks_first(at)
        turn = await at.ask("Twenty parts")
        shown = [len(approval_of(turn)["calls"])]
        while turn.run.status == "waiting":
            turn = await go_on(at, turn)
            if turn.run.status == "waiting":
                shown.append(len(approval_of(turn)["calls"]))
        assert (turn.run.status, shown, len(await titles(at))) == ("done", [16, 4], 20)
