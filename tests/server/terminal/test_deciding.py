"""A run that waits for its person: shown, asked about at a terminal, left in a pipe, decided on later."""

import json
from collections.abc import Iterable
from typing import Final

import pytest
from pydantic import JsonValue

from tests.scripted_model.replies import Reply, call, text, tools
from tests.scripted_model.server import ScriptedModel
from tests.server.terminal.command_line import CommandLine
from tests.server.terminal.conftest import Rows
from tests.server.terminal.models import told

ASKS: Final = "Create a task Buy milk", "--approvals", "ask"
PROMPT: Final = "or the numbers to drop"


def two_tasks(then: Iterable[Reply] = (text("Noted."),)) -> ScriptedModel:
    """Give a model that wants to create two tasks."""
    wanted = (call("create_task", {"title": title}) for title in ("Buy milk", "Buy bread"))
    return ScriptedModel([tools(*wanted), *then])


def asked(installed: CommandLine, email: str) -> str:
    """Ask for a task in a pipe, which leaves the run waiting; give its id."""
    done = installed.run("ask", *ASKS, "--json", "--user", email)
    events = events_of(done.stdout)
    assert (done.returncode, events[-1]["finished_reason"], done.stderr) == (6, "approval_required", "")
    first = events[0]["run"]
    assert isinstance(first, dict)
    return str(first["id"])


def events_of(lines: str) -> list[dict[str, JsonValue]]:
    """Read the lines that `--json` prints."""
    return [json.loads(line) for line in lines.splitlines()]


def listed(installed: CommandLine, email: str) -> str:
    """Give what the person's newest run is listed as."""
    return installed.run("runs", "--limit", "1", "--user", email).stdout


def test_in_a_pipe_the_calls_are_printed_and_the_run_waits(installed: CommandLine, email: str, rows: Rows) -> None:
    """Exit code 6 tells a script; the card and the command that decides are on stderr, and nothing was written."""
    done = installed.run("ask", *ASKS, "--user", email)
    assert (done.returncode, done.stdout) == (6, "")
    assert "  1  a new task “Buy milk” (create_task)\n       title: Buy milk\n" in done.stderr
    run_id = listed(installed, email)[:36]
    assert f"planwright decide {run_id} --approve" in done.stderr
    assert "waiting for your approval" in listed(installed, email)
    assert rows.titles() == []


def test_an_approved_run_goes_on_in_the_deciding_command(installed: CommandLine, email: str, rows: Rows) -> None:
    """`decide --approve` has the call run once, prints the answer, and a second decision finds nothing to decide."""
    run_id = asked(installed, email)
    done = installed.run("decide", run_id, "--approve", "--user", email)
    assert (done.returncode, "Buy milk" in done.stdout) == (0, True)
    again = installed.run("decide", run_id, "--deny", "--user", email)
    assert (again.returncode, again.stderr) == (1, f"planwright: Run {run_id} does not wait for a decision.\n")
    assert rows.titles() == ["Buy milk"]
    assert "approved  create_task" in installed.run("show", run_id, "--user", email).stdout


def test_a_denied_call_is_not_made(installed: CommandLine, email: str, rows: Rows) -> None:
    """`decide --deny` ends the run with an answer, and the record says what was denied and why."""
    run_id = asked(installed, email)
    done = installed.run("decide", run_id, "--deny", "--note", "Oat milk!", "--user", email)
    assert done.returncode == 0
    assert "a new task “Buy milk” · Oat milk!" in installed.run("show", run_id, "--user", email).stdout
    assert rows.titles() == []


def test_without_a_flag_it_shows_what_there_is_to_decide(installed: CommandLine, email: str, rows: Rows) -> None:
    """In a pipe `decide` and `tail` print the calls and change nothing."""
    run_id = asked(installed, email)
    for command in ("decide", "tail"):
        done = installed.run(command, run_id, "--user", email)
        assert (done.returncode, "a new task “Buy milk”" in done.stderr) == (6, True)
    assert rows.run(run_id)[0] == "waiting"


@pytest.mark.parametrize(
    ("typed", "made"),
    [pytest.param("a", ["Buy bread", "Buy milk"], id="all"), pytest.param("1", ["Buy bread"], id="all but one")],
)
def test_at_a_terminal_the_person_is_asked(installed: CommandLine, rows: Rows, typed: str, made: list[str]) -> None:
    """The card is shown, the answer is typed, and the same command goes on to the end of the run."""
    with two_tasks() as model:
        arguments = "ask", *ASKS, "--user", rows.email
        with installed.given(**told(model)).at_terminal(*arguments) as terminal:
            terminal.shows("2 calls to approve")
            terminal.shows(PROMPT)
            terminal.type("7")
            terminal.shows("There is no call “7” here")
            terminal.shows(PROMPT)
            terminal.type(typed)
            code, said = terminal.ended()
    assert (code, "Noted." in said) == (0, True)
    assert rows.titles() == made


def test_a_denial_may_say_why(installed: CommandLine, email: str) -> None:
    """The planner is told the note."""
    with two_tasks() as model:
        arguments = "ask", *ASKS, "--user", email
        with installed.given(**told(model)).at_terminal(*arguments) as terminal:
            terminal.shows(PROMPT)
            terminal.type("d")
            terminal.shows("Why?")
            terminal.type("Only oat milk.")
            code, _ = terminal.ended()
        assert "Only oat milk." in model.requests[-1].all_text
    assert code == 0


def test_ctrl_c_at_the_question_leaves_the_run_waiting(installed: CommandLine, email: str) -> None:
    """Whoever does not want to decide now is told how to do it later."""
    with installed.at_terminal("ask", *ASKS, "--user", email) as terminal:
        terminal.shows(PROMPT)
        terminal.press_ctrl_c()
        terminal.shows("Decide with: planwright decide")
        code, _ = terminal.ended()
    assert (code, "waiting for your approval" in listed(installed, email)) == (6, True)


def test_approvals_are_chosen_for_a_new_session_only(installed: CommandLine, email: str) -> None:
    """A session keeps how it was opened; asking otherwise is a fault of usage, not passed over."""
    session = "00000000-0000-0000-0000-000000000001"
    done = installed.run("ask", "hi", "--session", session, "--approvals", "ask", "--user", email)
    assert (done.returncode, "is for a new session" in done.stderr) == (2, True)
