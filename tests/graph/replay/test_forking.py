"""A run that goes another way: from a step on, with another message, or with another model."""

import asyncio
from uuid import UUID

import pytest
from pydantic import JsonValue

from graph.replay.following import with_dependants
from graph.turn import run_turn
from nodes.vocabulary.events import Step
from persistence.pools import Database
from server.bodies import Fork
from server.refusals import Refused
from server.rerunning import fork
from tests.conftest import Person
from tests.graph.replay.again import QUEUE, forked, replayed, story
from tests.scripted_model.gate import Gate
from tests.scripted_model.intents import only
from tests.scripted_model.replies import call, status, text, tools
from tests.scripted_model.script import Script, rules, when
from tests.server.exports.complex_runs import complex_script
from tests.tools import extension
from tests.turns import Desk, Payload, Turn, desk, plan, step, submit
from tools.registry import Registry

WRITES = call("create_task", {"title": "Water the plants"})
CLAIM = "I have created the task “Water the plants”."


async def titles(at: Desk) -> list[str]:
    """Return the titles of the person's tasks."""
    return [str(row["title"]) for row in await at.rows("select title from tasks order by title")]


async def ledger(at: Desk, run_id: UUID) -> list[tuple[str, str]]:
    """Return tool and state of each call of a run."""
    query = "select tool, state from tool_calls where run_id = %s order by tool"
    return [(str(row["tool"]), str(row["state"])) for row in await at.rows(query, run_id)]


def result_of(turn: Turn, tool: str) -> Payload:
    """Return what the one call of a tool came to."""
    made = [event["tool_call"] for event in turn.all("tool_call")]
    [call_id] = [call["id"] for call in made if call["function"]["name"] == tool]
    results: list[Payload] = [event["tool_result"] for event in turn.all("tool_result")]
    return next(result for result in results if result["tool_call_id"] == call_id)


def asked_since(at: Desk, before: int) -> list[str]:
    """Return what the models were asked last, of each request since."""
    return [request.all_text for request in at.model.requests[before:]]


async def test_a_step_and_what_rests_on_it_are_worked_on_anew(database: Database, person: Person) -> None:
    """The plan and the other step are as recorded; the models are asked for the rest, and nothing is changed."""
    async with desk(database, person, complex_script()) as at:
        original = await at.ask("Put my house in order")
        before = len(at.model.requests)
        turn = await forked(at, original.run.id, from_step=2)
        asked = asked_since(at, before)
        assert await titles(at) == ["Water the plants"]
        assert await ledger(at, turn.run.id) == [
            ("create_task", "dry"),
            ("list_tasks", "applied"),
            ("search_notes", "applied"),
        ]
    assert not any("Do part 1." in text and "submit_result" in text for text in asked if "# Step" not in text)
    assert len(asked) == 5  # twice the executor of step 2, twice the planner over step 3, the answer
    assert story(turn)["1 "] == story(original)["1 "]
    assert story(turn)[" "][:2] == story(original)[" "][:2]
    assert (turn.run.replay_of, turn.run.from_step, turn.run.writes) == (original.run.id, 2, "dry")
    assert turn.run.status == "done"


async def test_a_step_may_be_said_in_other_words(database: Database, person: Person) -> None:
    """Its executor gets them, the new run's plan has them, and the original keeps its own."""
    async with desk(database, person, complex_script()) as at:
        original = await at.ask("Put my house in order")
        before = len(at.model.requests)
        turn = await forked(at, original.run.id, from_step=2, step_words="Look in the attic.")
        asked = asked_since(at, before)
        again = await forked(at, turn.run.id, from_step=3)
    assert any("Look in the attic." in text and "submit_result" in text for text in asked)
    plans = [done.all("plan_created")[0]["plan"] for done in (original, turn, again)]
    planned = [[step["description"] for step in each["steps"]] for each in plans]
    assert planned[1] == planned[2] == [planned[0][0], "Look in the attic.", *planned[0][2:]]
    assert planned[0][1] != "Look in the attic."
    assert turn.run.status == again.run.status == "done"


async def test_a_write_is_tried_out_and_says_so(database: Database, person: Person) -> None:
    """The result of a dry run says what it would have said live; its step is done, and the answer is told the truth."""
    async with desk(database, person, complex_script(CLAIM)) as at:
        original = await at.ask("Put my house in order")
        turn = await forked(at, original.run.id, from_step=3)
        assert await titles(at) == ["Water the plants"]
    assert original.text == CLAIM
    result = result_of(turn, "create_task")
    assert result["success"]
    assert result["result"] == {
        "message": "Dry run: nothing was changed. Live, it says: Created the task “Water the plants”.",
        "dry_run": True,
    }
    assert turn.all("step_complete")[-1]["step"]["status"] == "completed"
    assert turn.text.startswith(CLAIM)
    assert "Correction: nothing was changed in your workspace by this request." in turn.text
    assert "Not done: create_task. Dry run: nothing was changed." in turn.text


async def test_a_dry_run_refuses_what_a_live_one_would(database: Database, person: Person) -> None:
    """What does not fit is refused by the tool itself, and nothing is asked of the person."""
    wrong = call("update_task", {"task_id": "00000000-0000-4000-8000-000000000000", "updates": {"title": "x"}})
    script = rules(when(text("Done."), last_role="tool"), when(tools(wrong, WRITES)))
    async with desk(database, person, script) as at:
        original = await at.ask("Remember the plants")
        turn = await forked(at, original.run.id)
        assert await titles(at) == ["Water the plants"]
        assert await ledger(at, turn.run.id) == [("create_task", "dry"), ("update_task", "failed")]
    assert result_of(turn, "update_task")["error"].startswith("There is no task ")
    assert not any(row["purpose"] == "intents" for row in await purposes(at, turn.run.id))


async def purposes(at: Desk, run_id: UUID) -> list[Payload]:
    """Return what the models of a run were asked for."""
    return await at.rows("select purpose from model_usage where run_id = %s", run_id)


async def test_an_operators_tool_is_not_tried_out(database: Database, person: Person) -> None:
    """What it would do elsewhere cannot be rolled back, so a dry run does not call it."""
    registry = Registry.build("tests.tools.extension:TOOLS")
    script = rules(when(text("Sent."), last_role="tool"), when(tools(call("send_mail", {"to": "a@example.org"}))))
    covered = only({"change": "send_mail", "names": ["a@example.org"]})
    async with desk(database, person, script, registry=registry, intents=covered) as at:
        original = await at.ask("Send a mail to a@example.org")
        sent = list(extension.called)
        turn = await forked(at, original.run.id)
        assert extension.called == sent
        assert await ledger(at, turn.run.id) == [("send_mail", "dry")]
    assert result_of(turn, "send_mail")["result"]["message"] == "Dry run: nothing was changed."


async def test_a_live_fork_writes_as_any_run(database: Database, person: Person) -> None:
    """Its writes need the person's words as those of any run, and are made."""
    async with desk(database, person, complex_script()) as at:
        original = await at.ask("Put my house in order")
        turn = await forked(at, original.run.id, from_step=3, writes="live")
        assert await titles(at) == ["Water the plants", "Water the plants"]
        assert ("create_task", "applied") in await ledger(at, turn.run.id)
        assert any(row["purpose"] == "intents" for row in await purposes(at, turn.run.id))
    assert turn.run.status == "done"


async def test_another_message_begins_anew_where_the_first_began(database: Database, person: Person) -> None:
    """Nothing of the record is used but what was said in the session before."""
    async with desk(database, person, [text("Blue."), text("A colour."), text("Red, then.")]) as at:
        await at.ask("Name a colour")
        original = await at.ask("What did I ask?")
        turn = await forked(at, original.run.id, message="Name another")
        asked = at.model.requests[-1].all_text
    assert turn.text == "Red, then."
    assert turn.run.request == "Name another"
    assert "Name a colour" in asked
    assert "What did I ask?" not in asked


async def test_another_model_is_asked(database: Database, person: Person) -> None:
    """A configured model takes the place of the planner and of the executors, from there on."""
    async with desk(database, person, complex_script()) as at:
        original = await at.ask("Put my house in order")
        before = len(at.model.requests)
        turn = await forked(at, original.run.id, from_step=2, model="quick")
        assert {request.model for request in at.model.requests[before:]} == {"quick"}
    assert turn.run.asked_model == "quick"
    assert turn.run.status == "done"


async def test_a_fork_can_be_replayed(database: Database, person: Person) -> None:
    """Its record is whole: what was recorded before stands in it as its own, a dry run as one."""
    async with desk(database, person, complex_script()) as at:
        original = await at.ask("Put my house in order")
        fork_of_it = await forked(at, original.run.id, from_step=2)
        again = await replayed(at, fork_of_it.run.id)
        assert await ledger(at, again.run.id) == await ledger(at, fork_of_it.run.id)
    assert story(again) == story(fork_of_it)


def another_way() -> Script:
    """Return a script whose first plan fails in step 1, and whose second goes on with steps 3 and 4."""
    return rules(
        when(submit("No.", "failed"), offers="submit_result", says="Do part 1."),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan", last_stays=False),
        when(plan(step(3), step(4)), offers="create_plan"),
        when(text("It took another way.")),
    )


@pytest.mark.parametrize(
    ("from_step", "asked"),
    [
        pytest.param(4, 2, id="of the second plan: its executor and the answer"),
        pytest.param(2, 5, id="of the first: its executor, another way with its two steps, the answer"),
    ],
)
async def test_a_step_of_a_revised_plan(database: Database, person: Person, from_step: int, asked: int) -> None:
    """What was written before the step's own plan is as recorded, what came after it is not."""
    async with desk(database, person, another_way()) as at:
        original = await at.ask("Look at everything")
        before = len(at.model.requests)
        turn = await forked(at, original.run.id, from_step=from_step)
        assert len(at.model.requests) - before == asked
    assert [event["plan"]["revision"] for event in turn.all("plan_created")] == [1, 2]
    assert turn.run.status == "done"


async def test_a_step_whose_model_failed_is_tried_again(database: Database, person: Person) -> None:
    """A run that cannot be replayed, since a model gave nothing, can be forked: what ended well stays."""
    script = rules(
        when(status(400), offers="submit_result", says="Do part 1.", last_stays=False),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan", last_stays=False),
        when(text("Done.")),
    )
    async with desk(database, person, script) as at:
        original = await at.ask("Look at everything")
        assert step_states(original) == {1: "failed", 2: "completed"}
        with pytest.raises(Refused):
            await replayed(at, original.run.id)
        before = len(at.model.requests)
        turn = await forked(at, original.run.id, from_step=1)
        assert len(at.model.requests) - before == 2  # the executor and the answer
    assert step_states(turn) == {1: "completed", 2: "completed"}
    assert story(turn)["2 "] == story(original)["2 "]


async def test_a_run_that_was_stopped_goes_on_in_a_fork(database: Database, person: Person) -> None:
    """The step that had ended is taken over, the one that was stopped is worked on, whichever the fork is from."""
    gate = Gate()
    script = rules(
        when(submit().gated(gate), offers="submit_result", says="Do part 2."),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2), step(3, after=[1])), offers="create_plan"),
        when(text("Done.")),
    )
    async with desk(database, person, script) as at:
        run_id = await at.accept("Look at everything")
        identity = await at.claim(run_id)
        turn = asyncio.create_task(run_turn(at.engine, identity, at.hear))
        await at.heard_of(run_id, "step_complete", number=3)
        await at.request_cancel(run_id)
        turn.cancel()
        await at.stop(identity, turn)
        gate.open()
        original = await at.turn(run_id)
        assert original.run.status == "cancelled"
        other = await forked(at, run_id, from_step=3)
    assert step_states(other) == {1: "completed", 2: "completed", 3: "completed"}
    assert story(other)["1 "] == story(original)["1 "]
    assert other.run.status == "done"


def step_states(turn: Turn) -> dict[int, str]:
    """Return how each step ended."""
    return {event["step"]["stepNumber"]: event["step"]["status"] for event in turn.all("step_complete")}


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        pytest.param({"from_step": 9}, "unknown_step", id="a step there is not"),
        pytest.param({"model": "nobody"}, "unknown_model", id="a model there is not"),
        pytest.param({"message": "x" * 20_000}, "message_too_long", id="a message that is too long"),
    ],
)
async def test_a_fork_that_cannot_be_is_refused(
    database: Database, person: Person, wanted: dict[str, JsonValue], code: str
) -> None:
    """Refused, it stores nothing."""
    async with desk(database, person, complex_script()) as at:
        original = await at.ask("Put my house in order")
        with pytest.raises(Refused) as refusal:
            await fork(at.engine, person.id, original.run.id, Fork.model_validate(wanted), QUEUE)
        assert len(await at.rows("select from runs")) == 1
    assert refusal.value.code == code


def test_what_rests_on_a_step_is_found_at_any_distance() -> None:
    """Directly or through others, and nothing else."""
    waits = {1: [], 2: [1], 3: [2], 4: [1], 5: [3, 4], 6: []}
    steps = [
        Step(step_number=number, type="x", description="x", executor_required=True, tools=[], depends_on=after)
        for number, after in waits.items()
    ]
    assert with_dependants(steps, 2) == {2, 3, 5}
    assert with_dependants(steps[::-1], 1) == {1, 2, 3, 4, 5}
