"""The commands, as processes: what they print where, and how they end."""

import json
import re
import shlex
import signal
import sys
from pathlib import Path
from subprocess import run
from typing import Final
from uuid import UUID

import pytest

from persistence.pools import Database
from persistence.record.credentials import Kind
from server.credentials import digest_of, is_ours
from tests.conftest import TEST_SECRET
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import text
from tests.scripted_model.server import ScriptedModel
from tests.server.terminal.command_line import CommandLine, first_line
from tests.server.terminal.conftest import Rows
from tests.server.terminal.hanging import hanging
from tests.server.terminal.models import told

NO_RUN: Final = "00000000-0000-0000-0000-000000000000"
ESCAPE: Final = "\x1b"


def run_id_of(line: str) -> str:
    """Give the run that a `session` event names."""
    return str(UUID(json.loads(line)["run"]["id"]))


def test_an_answer_goes_to_stdout_and_progress_to_stderr(installed: CommandLine, email: str) -> None:
    """A pipe carries the answer alone, and neither stream has an escape sequence in it."""
    done = installed.run("ask", "hello", "--user", email)
    assert done.returncode == 0
    assert done.stdout.startswith("Hello!")
    assert "Done ·" in done.stderr
    assert "Done ·" not in done.stdout
    assert ESCAPE not in done.stdout + done.stderr


def test_what_was_asked_is_listed_and_shown(installed: CommandLine, email: str) -> None:
    """`--json` prints the stream's events, `runs` lists the run, `show` prints its record in 100 columns."""
    asked = installed.run("ask", "Create a task Buy milk", "--json", "--user", email)
    events = [json.loads(line) for line in asked.stdout.splitlines()]
    assert (asked.returncode, events[0]["type"], events[-1]["type"]) == (0, "session", "done")
    run_id = events[0]["run"]["id"]
    listed = installed.run("runs", "--user", email)
    assert [line[:36] for line in listed.stdout.splitlines()] == [run_id]
    shown = installed.run("show", run_id, "--user", email)
    assert shown.returncode == 0
    assert re.search(r"create_task +\d+ ms +applied", shown.stdout)
    assert re.search(r"May change\n +new_task +at most 1 · Buy milk", shown.stdout)
    assert re.search(rf"model calls .*= {events[-1]['usage']['total_tokens']:,} tokens", shown.stdout)
    assert max(len(line.rstrip()) for line in shown.stdout.splitlines()) <= 100
    again = installed.run("tail", run_id, "--json", "--user", email)
    assert (again.returncode, again.stdout) == (0, asked.stdout)


def test_a_run_is_exported_and_its_file_shown(installed: CommandLine, email: str, tmp_path: Path) -> None:
    """The document opens again as the record that it is of, without a database; the page is one."""
    asked = installed.run("ask", "Create a task Buy milk", "--json", "--user", email)
    run_id = run_id_of(asked.stdout.splitlines()[0])
    file = tmp_path / "run.json"
    file.write_text(installed.run("export", run_id, "--user", email).stdout)
    away = installed.given(PLANWRIGHT_DATABASE_URL="host=127.0.0.1 port=9 user=nobody")
    assert away.run("show", str(file)).stdout == installed.run("show", run_id, "--user", email).stdout
    page = installed.run("export", run_id, "--html", "--user", email)
    assert page.stdout.startswith("<!doctype html>")
    assert "Buy milk" in page.stdout
    assert "<script" not in page.stdout


def test_a_run_happens_again_and_goes_another_way(installed: CommandLine, email: str, rows: Rows) -> None:
    """A replay gives the same answer and changes nothing; a fork is dry unless it is told to be live."""
    asked = installed.run("ask", "Create a task Buy milk", "--json", "--user", email)
    run_id = run_id_of(asked.stdout.splitlines()[0])
    answer = installed.run("tail", run_id, "--user", email).stdout
    again = installed.run("replay", run_id, "--user", email)
    assert (again.returncode, again.stdout) == (0, answer)
    other = "--message", "Create a task Buy bread"
    dry = installed.run("fork", run_id, *other, "--user", email)
    assert (dry.returncode, "Dry run: nothing was changed." in dry.stdout) == (0, True)
    assert rows.titles() == ["Buy milk"]
    made = installed.run("runs", "--user", email).stdout.splitlines()
    assert "a fork of run " + run_id in installed.run("show", made[0].split()[0], "--user", email).stdout
    assert "a replay of run " + run_id in installed.run("show", made[1].split()[0], "--user", email).stdout
    live = installed.run("fork", run_id, *other, "--live", "--user", email)
    assert (live.returncode, rows.titles()) == (0, ["Buy bread", "Buy milk"])


def test_what_a_run_wrote_is_taken_back(installed: CommandLine, email: str, rows: Rows) -> None:
    """A line says what was undone; a second time it says why nothing is, and fails; the record shows it."""
    asked = installed.run("ask", "Create a task Buy milk", "--json", "--user", email)
    run_id = run_id_of(asked.stdout.splitlines()[0])
    deleted = "select title from tasks join users on users.id = user_id where email = %s and deleted_at is not null"
    first = installed.run("undo", run_id, "--user", email)
    assert (first.returncode, first.stdout) == (0, "undone  Created the task “Buy milk”.\n")
    assert rows.of(deleted, email) == [("Buy milk",)]
    again = installed.run("undo", run_id, "--user", email)
    assert (again.returncode, again.stdout) == (
        1,
        "left    Created the task “Buy milk”. It was undone before.\n",
    )
    assert re.search(r"create_task +\d+ ms +undone", installed.run("show", run_id, "--user", email).stdout)


def test_a_run_of_somebody_else_is_not_there(installed: CommandLine, email: str) -> None:
    """Showing, following and stopping say the same of another's run as of none."""
    asked = installed.run("ask", "hello", "--json", "--user", email)
    run_id = run_id_of(asked.stdout.splitlines()[0])
    for command, wanted in (
        ("show", run_id),
        ("show", NO_RUN),
        ("tail", run_id),
        ("cancel", run_id),
        ("export", run_id),
        ("undo", run_id),
        ("replay", run_id),
        ("fork", run_id),
    ):
        done = installed.run(command, wanted, "--user", f"not-{email}")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"planwright: There is no run {wanted}. `planwright runs` lists yours.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["ask"], 2, "Missing argument", id="no message"),
        pytest.param(["ask", " "], 2, "The message says nothing.", id="an empty message"),
        pytest.param(["ask", "hi", "--context", "moon"], 2, "is no context", id="an unknown context"),
        pytest.param(["ask", "hi", "--user", "bob"], 2, "takes an e-mail address", id="no address"),
        pytest.param(["ask", "hi", "--session", NO_RUN], 1, "There is nothing here.", id="an unknown session"),
        pytest.param(["token", "new", "--user", "a@b.c", "--days", "0"], 2, "lives for", id="a token for no time"),
        pytest.param(["token", "new", "--user", "a@b.c", "--scope", "all"], 2, "Invalid value", id="an unknown scope"),
        pytest.param(
            ["fork", NO_RUN, "--from-step", "1", "--message", "x"], 2, "not both", id="two beginnings of a fork"
        ),
        pytest.param(["show", "no-such-file"], 2, "no file to read", id="a file there is not"),
        pytest.param(["show", __file__], 2, "not a run", id="a file that is no run"),
        pytest.param(["token", "revoke", NO_RUN], 1, "There is no token", id="a token there is not"),
        pytest.param(["ask", "hi", "--server", "http://127.0.0.1:9"], 3, "No token", id="a server and no token"),
        pytest.param(
            ["ask", "hi", "--server", "http://127.0.0.1:9", "--token", "x"], 5, "Nobody answers", id="no server"
        ),
        pytest.param(["serve", "--host", "0.0.0.0"], 2, "PLANWRIGHT_JWT_SECRET", id="open to others, no key"),  # noqa: S104
    ],
)
def test_what_cannot_be_done_has_its_exit_code(
    installed: CommandLine, arguments: list[str], code: int, words: str
) -> None:
    """One line says why, and the code says which kind of fault it is."""
    done = installed.run(*arguments)
    assert (done.returncode, done.stdout, words in done.stderr) == (code, "", True)
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_is_a_fault_of_usage(installed: CommandLine) -> None:
    """A misspelt variable is named rather than passed over."""
    done = installed.given(PLANWRIGHT_PROT="80").run("runs")
    assert (done.returncode, done.stderr) == (2, "planwright: PLANWRIGHT_PROT: there is no such setting.\n")


def test_a_database_that_is_not_there_is_told(installed: CommandLine) -> None:
    """Commands end with “unreachable”; doctor fails with a next step."""
    away = installed.given(PLANWRIGHT_DATABASE_URL="host=127.0.0.1 port=9 user=nobody")
    listed, checked = away.run("runs"), away.run("doctor")
    assert (listed.returncode, listed.stderr.count("\n")) == (5, 1)
    assert checked.returncode == 1
    assert "failed  database" in checked.stdout
    assert "Start that server, or unset PLANWRIGHT_DATABASE_URL" in checked.stdout


def test_a_sound_installation_passes_the_doctor(installed: CommandLine, database: Database) -> None:
    """Database, roles, migrations, clock, tracing and dependencies are fine, and the model is named as offline."""
    done = installed.given(LANGSMITH_TRACING="true").run("doctor")
    assert done.returncode == 0, done.stdout
    assert "ok      planwright_executor: reads 8 tables, writes 0" in done.stdout
    assert "ok      sign-in: tokens are signed by a key of this installation" in done.stdout
    assert "note    model: the built-in offline model" in done.stdout
    assert "note    tracing: LANGSMITH_TRACING sends runs out of this machine" in done.stdout
    assert "failed" not in done.stdout


def test_the_doctor_asks_the_model_for_a_word(installed: CommandLine) -> None:
    """A model that streams passes; one that refuses fails, and its words are not shown."""
    with ScriptedModel([text("ok", deltas=2)]) as model:
        assert re.search(r"ok +model: scripted streams", installed.given(**told(model)).run("doctor").stdout)
    with ScriptedModel([], api_key="another") as model:
        done = installed.given(**told(model)).run("doctor")
    assert done.returncode == 1
    assert re.search(r"failed +model: scripted: The model is not set up correctly", done.stdout)


def test_a_talk_stays_in_its_session(installed: CommandLine, email: str) -> None:
    """Every line is asked in the same session, until an empty one."""
    done = installed.run("chat", "--user", email, typed="hello\nthanks\n\n")
    assert (done.returncode, done.stdout.count("Hello!"), "welcome" in done.stdout) == (0, 1, True)


def test_a_token_is_shown_once_and_listed_until_it_is_revoked(installed: CommandLine, email: str, rows: Rows) -> None:
    """The token is all that is printed, and only its digest is kept; revoking one leaves the other."""
    first, second = (
        installed.run("token", "new", "--user", email, *options).stdout.strip()
        for options in (["--name", "laptop", "--scope", "read"], [])
    )
    assert all(is_ours(TEST_SECRET.credential_key(), Kind.TOKEN, token) for token in (first, second))
    digests = rows.of("select digest from credentials join users on users.id = user_id where email = %s", email)
    assert {digest for (digest,) in digests} == {digest_of(first), digest_of(second)}
    newer, older = installed.run("token", "list", "--user", email).stdout.splitlines()
    assert newer.endswith("never used  read,write")
    assert older.endswith("never used  read  laptop")
    token_id = newer.split()[0]
    somebody_elses = installed.run("token", "revoke", token_id, "--user", f"not-{email}")
    assert (somebody_elses.returncode, "There is no token" in somebody_elses.stderr) == (1, True)
    assert installed.run("token", "revoke", token_id, "--user", email).returncode == 0
    assert installed.run("token", "list", "--user", email).stdout.splitlines() == [older]


def test_the_demo_runs_and_runs_again(installed: CommandLine) -> None:
    """It seeds once, answers with a plan, and names only commands that work."""
    first, second = installed.run("demo"), installed.run("demo")
    assert [first.returncode, second.returncode] == [0, 0], first.stderr
    assert "Complex request" in first.stderr
    assert first.stdout
    _, _, advice = second.stderr.partition("Three things to try next:\n")
    named = [shlex.split(line)[1:] for line in advice.splitlines() if line]
    assert [words[0] for words in named] == ["ask", "show", "serve"]
    assert [installed.run(*words).returncode for words in named[:2]] == [0, 0]


async def test_ctrl_c_stops_the_run_and_waits_for_its_end(installed: CommandLine, email: str) -> None:
    """The first Ctrl-C ends the run as cancelled, with its last event, and the command with 130."""
    gate = Gate()
    with ScriptedModel([text("never said").gated(gate)]) as model:
        with installed.given(**told(model)).started("ask", "hello", "--json", "--user", email) as asking:
            assert json.loads(first_line(asking))["type"] == "session"
            await gate.reached()
            asking.send_signal(signal.SIGINT)
            rest, said = asking.communicate()
        gate.open()
    last = json.loads(rest.splitlines()[-1])
    assert (last["type"], last["finished_reason"], asking.returncode) == ("done", "cancelled", 130)
    assert "Press Ctrl-C again to leave without waiting" in said


async def test_a_second_ctrl_c_leaves_the_run_and_says_how_to_rejoin(installed: CommandLine) -> None:
    """Whoever does not want to wait leaves at once, and is told the command that follows the run."""
    async with hanging() as server:
        arguments = "ask", "hello", "--json", "--server", server.address, "--token", "x"
        with installed.started(*arguments) as asking:
            run_id = run_id_of(await server.line_of(asking))
            asking.send_signal(signal.SIGINT)
            await server.cancel_asked.wait()
            asking.send_signal(signal.SIGINT)
            _, said = await server.end_of(asking)
    assert asking.returncode == 130
    assert f"planwright tail {run_id}" in said


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    """`--help` is answered without the database, the graph or the server."""
    heavy = {"fastapi", "httpx", "langchain_core", "langgraph", "psycopg", "pydantic", "rich", "uvicorn"}
    program = "import sys, server.terminal.cli; print(*sys.modules)"
    loaded = run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert heavy.isdisjoint(loaded)


def test_models_are_held_against_what_is_right(installed: CommandLine, rows: Rows) -> None:
    """`eval` prints shares on stdout, each request on stderr, leaves with 1 below what is asked, and nobody behind."""
    people = rows.of("select count(*) from users")
    chosen = ("--only", "greeting", "--only", "arithmetic", "--model", "offline")
    asked = installed.run("eval", *chosen, "--at-least", "51")
    head, row = (" ".join(line.split()) for line in asked.stdout.splitlines())
    assert asked.returncode == 1
    assert head == "model asked route tools effects facts all tokens p50 p95"
    assert row.startswith("offline 2 100 % 100 % 100 % 50 % 50 % ")
    assert asked.stderr.splitlines() == [
        "offline: 2 requests",
        "  ✓ greeting",
        "  ✗ arithmetic  facts: not said: 391",
    ]
    assert rows.of("select count(*) from users") == people


def test_a_request_that_is_not_there_is_refused(installed: CommandLine) -> None:
    """`eval` names what it does not know, before anything is started."""
    refused = installed.run("eval", "--only", "nothing", "--only", "greeting")
    assert (refused.returncode, refused.stderr) == (2, "planwright: There is no request nothing.\n")
