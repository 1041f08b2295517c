"""What a person says of how a request is handled: a plan in any case, or an answer at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from graph.offline.model import OfflineModel
from graph.turn import Engine
from nodes.asking.wanted_route import ANSWER_AT_ONCE, PLAN_FIRST
from persistence.pools import Database
from persistence.runs.runs import WantedRoute
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import rules, when
from tests.scripted_model.server import ScriptedModel
from tests.turns import Desk, Turn, desk, plan, step, submit
from tests.workspace_rows import Desk as Workspace
from tools.registry import Registry

PLAN, ANSWER = WantedRoute.PLAN, WantedRoute.ANSWER
WRITES = call("create_task", {"title": "Water the plants"})


def reasons(turn: Turn) -> list[tuple[str, str, bool]]:
    """Return each analysis: its strategy, its reasoning, and whether executors are needed."""
    said = [event["analysis"] for event in turn.all("analysis")]
    return [(one["strategy"], one["reasoning"], one["requiresExecutors"]) for one in said]


async def test_a_plan_is_made_because_the_person_wants_one(database: Database, person: Person) -> None:
    """The planner is told so, can call nothing else, and the person reads that it was their wish."""
    script = rules(
        when(plan(step(1), step(2)), offers="create_plan"),
        when(submit(), offers="submit_result"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("What is overdue?", PLAN)
    assert at.model.requests[0].offered == ["create_plan"]
    assert at.model.requests[0].last_text == PLAN_FIRST
    assert reasons(turn) == [("complex", "You asked for a plan. It is large.", True)]
    assert (len(turn.all("executor_spawned")), turn.text, turn.run.route) == (2, "Both are done.", "plan")


async def test_a_wanted_plan_that_is_a_chain_says_why_nobody_helps(database: Database, person: Person) -> None:
    """A plan that can only be done step by step takes no executors, and a second analysis says so before the plan."""
    script = rules(
        when(plan(step(1), step(2, after=[1])), offers="create_plan", last_role="user"),
        when(text("Part done."), says="# Step"),
        when(text("Both parts are done.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("First this, then that", PLAN)
    assert [needed for _, _, needed in reasons(turn)] == [True, False]
    assert "no executors" in reasons(turn)[1][1]
    assert turn.types[:3] == ["analysis", "analysis", "plan_created"]
    assert not turn.all("executor_spawned")


async def test_a_planner_that_answers_all_the_same_is_heard(database: Database, person: Person) -> None:
    """A text in place of the plan is the answer, and the reasoning says that a plan was asked for."""
    async with desk(database, person, [text("Which tasks do you mean?")]) as at:
        turn = await at.ask("Plan it", PLAN)
    assert reasons(turn) == [("simple", "You asked for a plan, and the planner began with an answer.", False)]
    assert (turn.text, turn.run.status) == ("Which tasks do you mean?", "done")


async def test_nothing_but_the_plan_is_called(database: Database, person: Person) -> None:
    """A tool that was not offered does not run; the planner is asked for the plan once more."""
    script = rules(
        when(tools(WRITES), plan(step(1), step(2)), offers="create_plan"),
        when(submit(), offers="submit_result"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Water the plants", PLAN)
        assert await at.rows("select title from tasks") == []
    assert at.model.requests[1].offered == ["create_plan"]
    assert (turn.text, len(turn.all("tool_call"))) == ("Both are done.", 0)


async def test_a_wanted_plan_that_does_not_come_about_is_done_without(database: Database, person: Person) -> None:
    """After two broken drafts the request is handled with single tools, and says so."""
    broken = plan(step(1, tool="create_task"), step(2))
    script = rules(
        when(broken, offers="create_plan"), when(tools(WRITES), says="plan"), when(text("I put it on your list."))
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Do two things", PLAN)
    assert [strategy for strategy, _, _ in reasons(turn)] == ["complex", "tool_use"]
    assert "No sound plan" in reasons(turn)[1][1]
    assert turn.text == "I put it on your list."


async def test_an_answer_at_once_takes_no_tools(database: Database, person: Person) -> None:
    """No tool is offered, a call all the same is not run, and the reasoning names the wish."""
    async with desk(database, person, [tools(WRITES, text="It is probably Friday.")]) as at:
        turn = await at.ask("When was it again?", ANSWER)
        assert await at.rows("select title from tasks") == []
    assert at.model.requests[0].offered == []
    assert at.model.requests[0].last_text == ANSWER_AT_ONCE
    assert reasons(turn) == [("simple", "You asked for an answer at once, so nothing was looked up.", False)]
    assert (turn.types, turn.text, turn.run.route) == (["analysis", "text", "done"], "It is probably Friday.", "answer")


async def test_a_wish_is_of_one_message(database: Database, person: Person) -> None:
    """The next message of the session is handled as the planner decides, and its planner is not told of the wish."""
    async with desk(database, person, [text("One."), text("Two.")]) as at:
        await at.ask("Quickly", ANSWER)
        turn = await at.ask("And now?")
    assert "list_tasks" in at.model.requests[1].offered
    assert ANSWER_AT_ONCE not in at.model.requests[1].all_text
    assert turn.run.route == "auto"


@pytest.mark.parametrize("commits", [1, 2, 3])
async def test_who_takes_a_run_over_knows_the_wish(database: Database, person: Person, commits: int) -> None:
    """A worker that dies after any commit leaves a run that still asks for nothing but the plan."""
    script = rules(
        when(plan(step(1), step(2)), offers="create_plan"),
        when(submit(), offers="submit_result"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script) as at:
        run_id = await at.accept("What is overdue?", route=PLAN)
        assert await at.crash(run_id, commits)
        turn = await at.taken_up(run_id)
    planning = [request.offered for request in at.model.requests if "submit_result" not in request.offered]
    assert [offered for offered in planning if offered] == [["create_plan"]]
    assert reasons(turn) == [("complex", "You asked for a plan. It is large.", True)]
    assert turn.run.status == "done"


@pytest.fixture
async def offline(database: Database, person: Person) -> AsyncIterator[Desk]:
    """Give a desk at which the offline model answers, with a task that is overdue and a project."""
    workspace = Workspace(database, person)
    project = await workspace.add_project("Website launch")
    await workspace.add_task("Write the copy", project_id=project, start_date=datetime.now(UTC) - timedelta(days=3))
    models = (OfflineModel(),)
    with ScriptedModel([]) as unused:
        yield Desk(database, person, Engine(database, Registry.build(), models, models, ROOMY), unused)


@pytest.mark.parametrize(
    ("request_text", "told"),
    [
        ("What is overdue?", "Write the copy"),
        ("Summarise Website launch", "Website launch"),
        ("Create a task Call Ann", "Call Ann"),
        ("Mark “Write the copy” as done", "Write the copy"),
        ("Help me organize my tasks for next week", "fits into your free time"),
    ],
)
async def test_the_offline_model_plans_when_it_is_told_to(offline: Desk, request_text: str, told: str) -> None:
    """Whatever it understands it does by a plan, of one step where it would have looked something up by itself."""
    turn = await offline.ask(request_text, PLAN)
    assert turn.run.strategy == "complex"
    assert reasons(turn)[0][1].startswith("You asked for a plan.")
    assert {event["step"]["status"] for event in turn.all("step_complete")} == {"completed"}
    assert told in turn.text


async def test_the_offline_model_changes_what_the_step_is_about(offline: Desk) -> None:
    """The step of such a plan may write, and what it wrote stands in the answer."""
    turn = await offline.ask("Mark “Write the copy” as done", PLAN)
    assert await offline.rows("select status from tasks") == [{"status": "done"}]
    assert [event["tool_result"]["success"] for event in turn.all("tool_result")] == [True, True]


async def test_the_offline_model_answers_at_once_when_it_is_told_to(offline: Desk) -> None:
    """It calls nothing, and says what it would have had to look up."""
    turn = await offline.ask("What is overdue?", ANSWER)
    assert set(turn.types) == {"analysis", "text", "done"}
    assert "list_tasks" in turn.text
    small = await offline.ask("Hello", ANSWER)
    assert small.text.startswith("Hello!")
