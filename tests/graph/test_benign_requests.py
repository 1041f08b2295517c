"""What people ask for every day is done without a question: what they say is enough."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from pydantic import JsonValue

from persistence.pools import Database
from tests.approving import states
from tests.conftest import new_person
from tests.graph.offline.rooms import offline_desk
from tests.scripted_model.intents import Intent, only
from tests.scripted_model.replies import Call, call, text, tools
from tests.scripted_model.script import Script, in_order, rules, when
from tests.turns import desk, plan, step, submit
from tests.workspace_rows import Desk as Workspace

# One conversation each; what the last message asks for is done.
READING: Final = (
    ("What is overdue?",),
    ("What should I work on?",),
    ("What's on my calendar tomorrow?", "and on Friday?"),
    ("Find notes about prices",),
    ("Help me organize my project tasks for next week",),
    ("Prepare a daily brief",),
    ("How is the Lumen project going?",),
)
WRITING: Final = (
    ("Mark my overdue tasks as done",),
    ("What is overdue?", "Mark my overdue tasks as done"),
    ("Set all blocked tasks to in progress",),
    ("Help me organize my project tasks for next week", "Schedule them"),
    ("Help me organize my project tasks for next week", "Yes, schedule them."),
    ("Plan my week and schedule the tasks",),
    ("Create a task Call Ann",),
    ("Add a task: call Ann on Friday at 9",),
    ("Could you create a high priority task “Order paint”, please?",),
    ("Create a task Check the quotes in project Lumen",),
    ("Remind me to water the plants tomorrow",),
    ("Add buy milk to my tasks",),
    ("Add a note: Ann likes blue",),
    ("Note called Colours: blue\nand red\n\nand a little green",),
    ("Create a note that the fair is in hall 4",),
    ("Brain dump: sell to schools, libraries and museums",),
    ("Mark “Write the announcement” as done",),
    ("Complete the task Take final screenshots",),
    ("I've finished Check references",),
    ("Start Write the announcement",),
    ("Reopen Publish the job advertisement",),
    ("Mark the interview as done", "the second one"),
    ("Set the priority of Check references to high",),
    ("Make the product film low priority",),
    ("Rename the task Hang the blind to Hang both blinds",),
    ("Rename the project Customer research to Customer talks",),
    ("Set the duration of Write the announcement to 3 hours",),
    ("Clear the start date of Take final screenshots",),
    ("Move Take final screenshots to next Friday",),
    ("Move the announcement to next Tuesday at 15:00",),
    ("Schedule yoga tomorrow at 7pm",),
    ("Schedule Check references tomorrow at 11:00",),
    ("Put Sell the old desk on my calendar tomorrow at 18:00",),
    ("Find two free hours tomorrow and schedule the report",),
    ("Pause the project Hire a senior backend engineer",),
    ("Reactivate the home office project",),
    ("Archive the project Move of the home office",),
    ("Delete the event Dentist",),
)


@pytest.mark.figure
async def test_everyday_requests_are_done_without_a_question(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading asks nobody and costs no call more; a write that was asked for runs at once."""
    for messages in READING:
        assert await conversed(database, messages) == (False, 0), messages
    for messages in WRITING:
        changed, asked = await conversed(database, messages)
        assert changed, messages
        assert asked <= 1, messages
    with capsys.disabled():
        print(f"benign requests, offline: {len(READING) + len(WRITING)} done without a question")


@dataclass(frozen=True)
class Meant:
    """A request, what a careful model takes from its words, and the calls that another makes for it."""

    request: str
    intents: tuple[Intent, ...]
    calls: "Callable[[Rows], list[Call]]"
    before: str = ""
    plans: bool = False


def update(task_id: str, **updates: JsonValue) -> Call:
    """Return the call that changes a task."""
    return call("update_task", {"task_id": task_id, "updates": updates})


def place(task_id: str, **more: JsonValue) -> Call:
    """Return the call that puts a task somewhere into the calendar."""
    return call("update_or_schedule_task", {"task_id": task_id, "start_time": "2027-03-01T15:00", **more})


MEANT: Final = (
    Meant(
        "Mark my overdue tasks as done",
        ({"change": "task_status", "names": [], "which": ["overdue"], "to": "done"},),
        lambda rows: [update(rows.rent, status="done", title="Pay the rent"), update(rows.taxes, status="done")],
    ),
    Meant(
        "Can you move the landlord thing to Friday afternoon?",
        ({"change": "time", "names": ["landlord"]},),
        lambda rows: [place(rows.landlord, project_id=rows.project, duration_minutes=30)],
    ),
    Meant(
        "Remind me to send Bob the Q3 numbers by Friday",
        ({"change": "new_task", "names": ["send Bob the Q3 numbers"], "at_most": 1},),
        lambda _: [call("create_task", {"title": "Send Q3 numbers to Bob", "priority": "high"})],
    ),
    Meant(
        "Lege mir drei Aufgaben für den Umzug an",
        ({"change": "new_task", "names": [], "at_most": 3},),
        lambda _: [call("create_task", {"title": title}) for title in ("Kartons", "Transporter", "Helfer")],
    ),
    Meant(
        "Note that Ann likes blue, in Relaunch",
        ({"change": "new_note", "names": ["Ann likes blue"]},),
        lambda rows: [call("create_note", {"content": "Ann likes blue.", "project_id": rows.project})],
    ),
    Meant(
        "Write me a summary of my week as a note",
        ({"change": "new_note", "names": [], "at_most": 1},),
        lambda _: [call("create_note", {"title": "My week", "content": "Quiet, but for the taxes."})],
    ),
    Meant(
        "Rename the rent task to “Pay the rent in cash” and make it urgent",
        (
            {"change": "task_title", "names": ["rent"], "to": "Pay the rent in cash"},
            {"change": "task_priority", "names": ["rent"], "to": "high"},
        ),
        lambda rows: [update(rows.rent, title="Pay the rent in cash", priority="high")],
    ),
    Meant(
        "mark it as done",
        ({"change": "task_status", "names": [], "to": "done"},),
        lambda rows: [update(rows.rent, status="done")],
        before="Show me the task Pay the rent",
    ),
    Meant(
        "Push everything in Relaunch by a week and put the project on hold",
        (
            {"change": "time", "names": ["Relaunch"]},
            {"change": "project_status", "names": ["Relaunch"], "to": "paused"},
        ),
        lambda rows: [
            place(rows.landlord),
            call("update_project", {"project_id": rows.project, "updates": {"status": "paused"}}),
        ],
    ),
    Meant(
        "Call the Focus event Deep work, from 3 pm",
        ({"change": "event_title", "names": ["Focus"], "to": "Deep work"}, {"change": "time", "names": ["Focus"]}),
        lambda rows: [
            call(
                "update_calendar_event",
                {"event_id": rows.event, "updates": {"summary": "Deep work", "start_time": "2027-03-01T15:00"}},
            )
        ],
    ),
    Meant(
        "Go through everything and schedule what is late, please",
        ({"change": "time", "names": [], "which": ["overdue"]},),
        lambda rows: [place(rows.rent), place(rows.taxes)],
        plans=True,
    ),
    Meant(
        "Brain dump: the hall could be blue",
        ({"change": "new_brain_dump", "names": ["the hall could be blue"]},),
        lambda _: [call("create_brain_dump", {"content": "The hall could be blue."})],
    ),
)


@pytest.mark.figure
async def test_what_a_model_does_with_them_is_done_too(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Fields sent along unchanged, titles put otherwise, whole sets, a plan: all within what the words allow."""
    for meant in MEANT:
        person = await new_person(database)
        rows = await Rows.of(Workspace(database, person))
        async with desk(database, person, _script(meant, rows), intents=only(*meant.intents)) as at:
            if meant.before:
                await at.ask(meant.before)
            turn = await at.ask(meant.request)
            assert turn.run.status == "done", (meant.request, turn.events[-1])
            assert await states(at, turn.run.id) == ["applied"] * len(meant.calls(rows)), meant.request
    with capsys.disabled():
        print(f"benign requests, scripted: {len(MEANT)} done without a question")


@dataclass(frozen=True)
class Rows:
    """The ids of a workspace's rows."""

    rent: str
    taxes: str
    landlord: str
    project: str
    event: str

    @classmethod
    async def of(cls, workspace: Workspace) -> "Rows":
        """Put rows into a workspace."""
        now = datetime.now(UTC)
        project = await workspace.add_project("Relaunch")
        rent = await workspace.add_task("Pay the rent", start_date=now - timedelta(days=3))
        taxes = await workspace.add_task("Hand in the taxes", start_date=now - timedelta(days=9))
        landlord = await workspace.add_task("Call the landlord", start_date=now, project_id=project)
        event = await workspace.add_event(landlord, now)
        return cls(*(str(row_id) for row_id in (rent, taxes, landlord, project, event)))


def _script(meant: Meant, rows: Rows) -> Script:
    calls = tools(*meant.calls(rows))
    if not meant.plans:
        before = [text("Here it is.")] if meant.before else []
        return in_order([*before, calls, text("As you said.")])
    own = step(3, by="planner", tool=[one.name or "" for one in calls.calls[:1]], after=[1, 2])
    return rules(
        when(submit(), offers="submit_result"),
        when(text("Placed."), mentions="# Step 3", last_role="tool"),
        when(calls, says="# Step 3"),
        when(plan(step(1), step(2), own), offers="create_plan"),
        when(text("As you said.")),
    )


async def conversed(database: Database, messages: Sequence[str]) -> tuple[bool, int]:
    """Hold a conversation in a demo workspace; say if its last run wrote, and how often it was asked what it may."""
    at = await offline_desk(database, await new_person(database))
    turns = [await at.ask(message) for message in messages]
    assert [turn.run.status for turn in turns] == ["done"] * len(messages), messages
    run_id = turns[-1].run.id
    [calls] = await at.rows(
        "select count(*) filter (where access = 'write')::int as all, "
        "count(*) filter (where access = 'write' and state = 'applied')::int as applied "
        "from tool_calls where run_id = %s",
        run_id,
    )
    [asked] = await at.rows(
        "select count(*)::int as n from model_usage where run_id = %s and purpose = 'intents'", run_id
    )
    assert calls["all"] == calls["applied"], (messages, turns[-1].text)
    return calls["applied"] > 0, asked["n"]
