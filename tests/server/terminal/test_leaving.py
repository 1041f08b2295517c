"""A run outlives the command that began it: left, killed or in a queue, it is finished once."""

import json
import re
import signal
from typing import Final

from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.server import ScriptedModel
from tests.server.terminal.command_line import CommandLine, first_line
from tests.server.terminal.conftest import Rows
from tests.server.terminal.models import told

ASK: Final = "ask", "Create a task Buy milk", "--json", "--user"
QUICK: Final = {"PLANWRIGHT_LEASE_SECONDS": "1.5", "PLANWRIGHT_HEARTBEAT_SECONDS": "0.3"}


def after_its_write(gate: Gate) -> ScriptedModel:
    """Give a model that writes, and whose answer waits at a gate."""
    answer = text("It is on your list.").gated(gate)
    return ScriptedModel([tools(call("create_task", {"title": "Buy milk"})), answer, answer])


async def test_a_command_that_is_told_to_end_leaves_its_run_to_others(installed: CommandLine, rows: Rows) -> None:
    """The run waits for another worker, as no crash; `tail` finishes it, and its write is there once."""
    gate = Gate()
    with after_its_write(gate) as model:
        here = installed.given(**told(model))
        with here.started(*ASK, rows.email) as asking:
            run_id = run_id_of(first_line(asking))
            await gate.reached()
            asking.send_signal(signal.SIGTERM)
            _, said = asking.communicate()
        assert (asking.returncode, f"planwright tail {run_id}" in said) == (130, True)
        assert rows.run(run_id) == ("queued", 1, 0)
        gate.open()
        done = here.run("tail", run_id, "--user", rows.email)
    assert (done.returncode, done.stdout) == (0, "It is on your list.\n")
    assert (rows.run(run_id), rows.titles()) == (("done", 2, 0), ["Buy milk"])


async def test_a_killed_command_leaves_its_run_to_whoever_follows_it(installed: CommandLine, rows: Rows) -> None:
    """Nobody put the run down, so it counts as a crash; `tail` finishes it, and its write is there once."""
    gate = Gate()
    with after_its_write(gate) as model:
        here = installed.given(**told(model), **QUICK)
        with here.started(*ASK, rows.email) as asking:
            run_id = run_id_of(first_line(asking))
            await gate.reached()
            asking.kill()
            asking.wait()
        assert rows.run(run_id) == ("running", 1, 0)
        gate.open()
        done = here.run("tail", run_id, "--user", rows.email)
    assert (done.returncode, done.stdout) == (0, "It is on your list.\n")
    assert (rows.run(run_id), rows.titles()) == (("done", 2, 1), ["Buy milk"])


def run_id_of(line: str) -> str:
    """Give the run that a `session` event names."""
    return str(json.loads(line)["run"]["id"])


def test_a_second_message_says_what_it_waits_for(installed: CommandLine, rows: Rows) -> None:
    """Behind a run that waits for its person the next one waits, in words, until that is decided."""
    first = installed.run(*ASK, rows.email, "--approvals", "ask")
    opened = json.loads(first.stdout.splitlines()[0])
    session = opened["session"]["id"]
    with installed.started("ask", "hello", "--session", session, "--user", rows.email) as waiting:
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == "Waiting for 1 earlier message of this session…\n"
        listed = installed.run("runs", "--user", rows.email).stdout.splitlines()
        assert [re.split(" {2,}", line)[2] for line in listed] == ["queued behind 1", "waiting for your approval"]
        installed.run("decide", opened["run"]["id"], "--deny", "--user", rows.email)
        said, _ = waiting.communicate()
    assert (waiting.returncode, said.startswith("Hello!")) == (0, True)
