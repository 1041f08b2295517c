"""What people ask for every day is done without a question: what they say is enough."""

from collections.abc import Sequence
from typing import Final

import pytest

from persistence.pools import Database
from tests.conftest import new_person
from tests.graph.offline.rooms import offline_desk

# One conversation each; what the last message asks for is done. `changes`: whether it changes the workspace.
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


async def conversed(database: Database, messages: Sequence[str]) -> tuple[bool, int]:
    """Hold a conversation in a demo workspace; say if its last run wrote, and how often it was asked what it may."""
    at = await offline_desk(database, await new_person(database))
    for message in messages:
        turn = await at.ask(message)
        assert turn.run.status == "done", (messages, turn.events[-1])
    [calls] = await at.rows(
        "select count(*) filter (where access = 'write')::int as all, "
        "count(*) filter (where access = 'write' and state = 'applied')::int as applied "
        "from tool_calls where run_id = %s",
        turn.run.id,
    )
    [asked] = await at.rows(
        "select count(*)::int as n from model_usage where run_id = %s and purpose = 'intents'", turn.run.id
    )
    assert calls["all"] == calls["applied"], (messages, turn.text)
    return calls["applied"] > 0, asked["n"]
