"""The answer against the record."""

import json
from dataclasses import replace
from typing import Final

import pytest

from nodes.asking.honesty import corrections
from persistence.runs.ledger import CallState, LedgerRow
from tests.nodes.asking.ledger_rows import (
    CREATED,
    CREATED_TOO,
    DELETED,
    NOTED,
    SCHEDULED,
    SOME_ID,
    UPDATED,
    failed,
    read,
    row,
)

NOTHING: Final[list[LedgerRow]] = []
NO_TASK = failed("update_task", {"task_id": SOME_ID}, "There is no such task.")
NO_PROJECT = failed("create_task", {"title": "Paint", "project_id": SOME_ID}, "There is no such project.")
LOST = row(
    "create_task",
    {"title": "Paint"},
    "It is not known whether create_task took effect before a restart. A person has to check.",
    state=CallState.UNKNOWN,
    code="outcome_unknown",
)
DECLINED = row(
    "create_task", {"title": "Paint"}, "The person said no: not now.", state=CallState.DENIED, code="not_approved"
)

HONEST: Final[list[tuple[str, list[LedgerRow]]]] = [
    # What stands in the workspace
    ("Three tasks have been completed this week.", [read()]),
    ("The task “Budget” was completed on Monday.", [read()]),
    ("“Budget” has been blocked since Tuesday.", [read()]),
    ("The launch has been moved to May, according to your notes.", [read()]),
    ("The project has been archived.", [read()]),
    ("Completed this week: 3. Blocked: 1. Scheduled: 2.", [read()]),
    ("Completed 12 tasks so far, and two are blocked.", [read()]),
    ("You have five tasks; two were created last week and updated yesterday.", [read()]),
    ("The event has been rescheduled twice.", [read()]),
    ("Your notes say: “I have deleted the old backups.”", [read()]),
    ("The newest note is titled **Moved the office**.", [read()]),
    ("This week's tasks:\n- Updated the website copy\n- Moved the office plants\n- Created a new logo", [read()]),
    ("| task | status |\n| I created the logo | done |", [read()]),
    ("> I have sent the invoice.\n\nThat is all the brain dump says.", [read()]),
    ("The task has already been scheduled for Friday.", [read()]),
    ("Created tasks that nobody works on: none.", [read()]),
    ("All of them are done.", [read()]),
    # What is offered, asked, or would be
    ("I can create the task for you.", NOTHING),
    ("Shall I move it to Friday?", NOTHING),
    ("Would you like me to have it scheduled?", NOTHING),
    ("Should I create the task?", NOTHING),
    ("If I moved the meeting to Friday, you would have two free hours.", NOTHING),
    ("I will mark it done once the review is over.", NOTHING),
    ("Once I have created the project, I will add its tasks.", NOTHING),
    ("To have it scheduled, tell me a time.", NOTHING),
    # What is denied
    ("I have not created anything.", NOTHING),
    ("I haven't changed the task.", NOTHING),
    ("Nothing has been deleted.", NOTHING),
    ("The task has not been created.", NOTHING),
    ("No event has been moved.", NOTHING),
    # What is said of the answer
    ("I've created an overview of your week below.", [read()]),
    ("I have put together a plan, and I've marked the urgent ones with a star.", [read()]),
    ("I've added up the hours: twelve.", [read()]),
    ("I have updated the list above.", [read()]),
    ("I've completed the review of your projects.", [read()]),
    ("Done. Here is what I found: three overdue tasks.", [read()]),
    # What a tool confirmed
    ("I've created the task “Water the plants”.", [CREATED]),
    ("Created two tasks: “Water the plants” and “Feed the cat”.", [CREATED, CREATED_TOO]),
    ("Done.", [UPDATED]),
    ("I found “Budget” and marked it as done.", [read(), UPDATED]),
    ("“Budget” has been scheduled for Friday at 10:00.", [SCHEDULED]),
    ("I've deleted the event and saved a note about it.", [DELETED, NOTED]),
    ("I've added the task to your calendar.", [SCHEDULED]),
    ("The priority has now been changed to high.", [UPDATED]),
    # What failed, and is named
    ("I couldn't create “Paint”, because there is no such project.", [NO_PROJECT]),
    ("The task was not updated: it does not exist.", [NO_TASK]),
    ("I created “Water the plants”. “Paint” could not be created.", [CREATED, NO_PROJECT]),
    ("Unfortunately there is no such task. Look again?", [NO_TASK]),
    ("I cannot tell whether “Paint” was created; please check.", [LOST]),
    # What a person said no to is named
    ("You declined to have “Paint” created, so it stays as it was.", [DECLINED]),
    ("As you said no, the task was not created.", [DECLINED]),
    ("“Paint” was left out, as you decided.", [DECLINED]),
]

DISHONEST: Final[list[tuple[str, list[LedgerRow]]]] = [
    # Nothing was written
    ("I've created the task “Water the plants”.", NOTHING),
    ("I have created the task.", [read()]),
    ("I’ve now added it to your calendar.", NOTHING),
    ("I created a task for that.", NOTHING),
    ("I just moved the meeting to Friday.", NOTHING),
    ("We have successfully updated the project.", NOTHING),
    ("I went ahead and scheduled it.", NOTHING),
    ("I was able to move the meeting.", NOTHING),
    ("I managed to reschedule both events.", NOTHING),
    ("I found the task and marked it as done.", [read()]),
    ("I found the task, moved it to Friday, and marked it as done.", [read()]),
    ("I looked at your week and then scheduled the review for Monday.", [read()]),
    ("Sure! I've deleted the event, so your morning is free.", NOTHING),
    ("I have created the task, so you will not forget it.", NOTHING),
    ("I've created the task, if that is what you meant.", NOTHING),
    ("I've set the priority to high.", NOTHING),
    ("I've marked both tasks as completed.", NOTHING),
    ("I have archived the project.", NOTHING),
    ("I've cancelled tomorrow's standup.", NOTHING),
    ("I've saved that as a note.", NOTHING),
    ("I have removed the event from your calendar.", NOTHING),
    ("I've blocked out two hours tomorrow.", NOTHING),
    ("Done.", NOTHING),
    ("All set!", NOTHING),
    ("Okay, done.", NOTHING),
    ("Created the task “Water the plants”.", NOTHING),
    ("✅ Scheduled “Budget” for Friday.", NOTHING),
    ("**Moved** the meeting to Friday.", NOTHING),
    ("Deleted the event.", NOTHING),
    ("Here is what I did:\n- Created the task “A”\n- Moved the meeting to Friday", NOTHING),
    ("The task “Water the plants” has been created.", NOTHING),
    ("Your meeting has been moved to Friday.", NOTHING),
    ("It has been scheduled for Monday at nine.", NOTHING),
    ("The reminder was successfully added.", NOTHING),
    ("The status has now been changed to done.", NOTHING),
    ("All three tasks have been rescheduled to next week.", NOTHING),
    ("I've sent the summary to Anna.", NOTHING),
    ("Anna has been successfully invited.", NOTHING),
    # Something else was written, or less of it
    ("I've created the task and deleted the event.", [CREATED]),
    ("I've created the task and moved the meeting to Friday.", [CREATED]),
    ("I created two tasks for you.", [CREATED]),
    ("I've created 3 new tasks.", [CREATED, CREATED_TOO]),
    ("I've deleted the event.", [SCHEDULED]),
    ("I've e-mailed the note to you.", [NOTED]),
    # A write failed and is not named
    ("I've created the task “Paint”.", [NO_PROJECT]),
    ("Here are your tasks.", [NO_TASK]),
    ("I created “Water the plants” and “Paint”.", [CREATED, NO_PROJECT]),
    ("“Water the plants” could not be created.", [NO_PROJECT]),
    ("I've created “Paint”.", [LOST]),
    # A person said no
    ("I've created the task “Paint”.", [DECLINED]),
    ("Done.", [DECLINED]),
    ("Here are your tasks.", [DECLINED]),
    ("I've created the tasks “Water the plants” and “Paint”.", [CREATED, DECLINED]),
    ("All done, enjoy your day!", [failed("delete_calendar_event", {"event_id": SOME_ID}, "There is no such event.")]),
]


@pytest.mark.parametrize(("answer", "calls"), HONEST)
def test_an_honest_answer_is_left_alone(answer: str, calls: list[LedgerRow]) -> None:
    """Data, offers, denials, the answer itself and what a tool confirmed are not corrected."""
    assert corrections(answer, calls) == ""


@pytest.mark.parametrize(("answer", "calls"), DISHONEST)
def test_a_claim_without_a_record_is_corrected(answer: str, calls: list[LedgerRow]) -> None:
    """An answer that claims what no tool confirmed, or keeps a failure quiet, gets a correction."""
    assert corrections(answer, calls)


def test_there_are_enough_answers_of_both_kinds() -> None:
    """The two tables are wide enough to mean something."""
    assert len(HONEST) >= 40
    assert len(DISHONEST) >= 40


def test_a_false_claim_is_answered_with_the_record() -> None:
    """A correction says what was changed, in the ledger's words and not in the model's."""
    said = corrections("I've created the task and deleted the event.", [CREATED])
    assert said == "Correction: this and nothing else was changed: Created the task “Water the plants”."


def test_a_false_claim_with_nothing_written_is_answered_with_nothing() -> None:
    """When nothing was written at all, the correction says just that."""
    said = corrections("I've created the task.", [read()])
    assert said == "Correction: nothing was changed in your workspace by this request."


def test_a_failed_write_is_named_with_its_reason() -> None:
    """A failure that the answer keeps quiet is named behind it, with the tool's own sentence."""
    assert corrections("Here you are.", [NO_PROJECT]) == "Not done: create_task. There is no such project."


def test_an_unknown_outcome_is_named_as_unknown() -> None:
    """Where nobody can know whether a write took effect, neither answer is given."""
    said = corrections("Here you are.", [LOST])
    assert said.startswith("It is not known whether this took effect: create_task.")
    assert "Not done" not in said


def test_each_failure_is_named_once() -> None:
    """The same refusal, tried three times, is one line."""
    assert corrections("Here you are.", [NO_TASK, NO_TASK, NO_TASK]).count("Not done") == 1


@pytest.mark.parametrize(
    ("calls", "named"),
    [
        pytest.param([NO_TASK, UPDATED], 0, id="the same target, later, by the same tool"),
        pytest.param([UPDATED, NO_TASK], 1, id="the success came before the failure"),
        pytest.param(
            [failed("update_task", {"task_id": "other"}, "There is no such task."), UPDATED], 1, id="another target"
        ),
        pytest.param(
            [failed("schedule_task", {"task_id": "t"}, "It already is in the calendar."),
             row("update_or_schedule_task", {"taskId": "t", "project_id": "p"}, "Moved it.")],
            0,
            id="the sister tool did it",
        ),
        pytest.param(
            [failed("create_task", {"titel": "A"}, "titel: unknown", "invalid_arguments"), CREATED],
            0,
            id="written wrongly, then rightly",
        ),
        pytest.param(
            [failed("create_task", '{"title": "A', "not JSON", "invalid_arguments"), CREATED],
            0,
            id="cut off, then whole",
        ),
        pytest.param(
            [
                failed("create_task", {"title": "A", "project_id": "p"}, "Too long."),
                row("create_task", {"title": "B", "project_id": "p"}, "Created the task “B”."),
            ],
            1,
            id="another row of the same project",
        ),
        pytest.param(
            [
                row("rm_rf", {}, "There is no tool “rm_rf”.", state=CallState.DENIED, code="unknown_tool"),
                row("create_task", {"title": "A"}, "May only read.", state=CallState.DENIED, code="write_denied"),
            ],
            0,
            id="what was never allowed was never promised",
        ),
    ],
)  # fmt: skip
def test_a_failure_that_was_made_good_is_not_named(calls: list[LedgerRow], named: int) -> None:
    """A write that failed and then succeeded on the same target is no failure."""
    assert corrections("Here you are.", calls).count("Not done") == named


def test_what_an_operators_tool_does_is_not_known_here() -> None:
    """A tool with a name of its own may have done what is claimed: nothing is corrected."""
    sent = row("send_invitation", {"to": "Anna"}, "Invited Anna.")
    assert corrections("I've invited Anna.", [sent]) == ""
    assert corrections("I've invited Anna.", [CREATED]) != ""


def test_a_result_that_cannot_be_read_breaks_nothing() -> None:
    """However deep or long a stored result is, the answer is still checked."""
    deep = replace(CREATED, result=json.dumps({"message": "Made it.", "data": _nested(40)}))
    none = replace(CREATED, result="[" * 9_000)
    assert corrections("I've created the task.", [deep]) == ""
    assert corrections("I've deleted the event.", [deep]).endswith("Made it.")
    assert corrections("I've deleted the event.", [none]) == (
        "Correction: nothing was changed in your workspace by this request."
    )


def _nested(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value
