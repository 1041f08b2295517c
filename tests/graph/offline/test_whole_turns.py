"""The whole product with the offline model, on the demo workspace: the graph, the tools and the tables are real."""

import pytest

from persistence.pools import Database
from tests.conftest import Person
from tests.graph.offline.rooms import offline_desk
from tests.turns import Desk

OPEN_TASKS = "select title from tasks where status <> 'done' and deleted_at is null"
SCHEDULED = "select task_id from task_calendar_events where deleted_at is null"
OVERDUE = (
    f"{OPEN_TASKS} and start_date < date_trunc('day', now() at time zone 'Europe/Berlin') at time zone 'Europe/Berlin'"
)


@pytest.fixture
async def offline(database: Database, person: Person) -> Desk:
    """Give a person in the demo workspace, whose models are the offline one."""
    return await offline_desk(database, person)


async def test_a_week_is_organised_without_changing_anything(offline: Desk) -> None:
    """The demo request makes a plan, reads side by side, and answers with real tasks; it offers and does not act."""
    before = await offline.rows(SCHEDULED)
    turn = await offline.ask("Help me organize my project tasks for next week")
    titles = [row["title"] for row in await offline.rows(OPEN_TASKS)]
    assert turn.run.status == "done"
    assert turn.run.strategy == "complex"
    assert len(turn.all("executor_spawned")) >= 3
    assert all(event["result"]["success"] for event in turn.all("executor_result"))
    assert sum(f"**{title}**" in turn.text for title in titles) >= 5
    assert "Nothing was changed." in turn.text
    assert await offline.rows(SCHEDULED) == before


async def test_a_yes_puts_the_proposal_on_the_calendar(offline: Desk) -> None:
    """Agreeing to the proposal schedules tasks, and the answer names what the record has."""
    before = await offline.rows(SCHEDULED)
    await offline.ask("Help me organize my project tasks for next week")
    turn = await offline.ask("yes, schedule them")
    after = await offline.rows(SCHEDULED)
    assert turn.run.status == "done"
    assert turn.text.startswith("Done:\n- ")
    assert len(after) > len(before)
    assert "Correction" not in turn.text


async def test_overdue_tasks_are_found_and_done(offline: Desk) -> None:
    """The overdue tasks are listed, marked as done at once, and none is left."""
    overdue = [row["title"] for row in await offline.rows(OVERDUE)]
    listed = await offline.ask("what is overdue?")
    changed = await offline.ask("mark my overdue tasks as done")
    assert [title for title in overdue if f"**{title}**" not in listed.text] == []
    assert f"{len(overdue)} of {len(overdue)} tasks are now done" in changed.text
    assert await offline.rows(OVERDUE) == []
    assert (await offline.ask("what is overdue?")).text == "Nothing is overdue."


@pytest.mark.parametrize(
    ("request_text", "strategy", "words"),
    [
        ("hello", "simple", "Hello!"),
        ("what are my active projects?", "tool_use", "**Launch of Lumen 2.0** · active"),
        ("how is the Lumen project going?", "complex", "Phases:"),
        ("prepare a daily brief", "complex", "Overdue:"),
        ("find notes about prices", "tool_use", "**Prices, decided**"),
        ("schedule yoga tomorrow at 7pm", "tool_use", "**yoga** is on your calendar"),
        ("add a note: Ann likes blue!", "tool_use", "saved the note **Ann likes blue!**"),
        ("rename the task hang the blind to Hang both blinds", "tool_use", "now called **Hang both blinds**"),
        ("mark the interview as done", "tool_use", "Which one do you mean?"),
        ("who are you?", "simple", "rules rather than a language model"),
    ],
)
async def test_an_everyday_request_is_answered(offline: Desk, request_text: str, strategy: str, words: str) -> None:
    """An everyday request ends in an answer with the workspace's rows, and without a correction."""
    turn = await offline.ask(request_text)
    assert (turn.run.status, turn.run.strategy) == ("done", strategy)
    assert words in turn.text
    assert "Correction" not in turn.text
