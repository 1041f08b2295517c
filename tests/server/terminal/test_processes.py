"""A server and workers as processes of their own, on one database: each may end in the middle of a run."""

import json
import signal
from collections.abc import Generator
from contextlib import contextmanager
from subprocess import Popen
from typing import Final
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from tests.greeting import address_of
from tests.ports import reserved_port
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.server import ScriptedModel
from tests.server.terminal.command_line import CommandLine, first_line
from tests.server.terminal.conftest import Rows
from tests.server.terminal.models import told

AT_WORK: Final = "Planwright works on runs. Ctrl-C stops it.\n"


@pytest.fixture
def apart(installed: CommandLine, server_dsn: str) -> Generator[CommandLine]:
    """Give an installation on a new database, where only the workers of the test find something to do."""
    name = f"planwright_test_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(SQL("create database {}").format(Identifier(name)))
        try:
            dsn = make_conninfo(server_dsn, dbname=name)
            yield installed.given(PLANWRIGHT_DATABASE_URL=dsn, PLANWRIGHT_LOG_LEVEL="warning")
        finally:
            admin.execute(SQL("drop database {} with (force)").format(Identifier(name)))


@contextmanager
def serving(here: CommandLine, port: int = 0) -> Generator[tuple[Popen[str], str]]:
    """Start a server that works on nothing, and wait until it listens; give its address with it."""
    with here.started("serve", "--no-worker", "--port", str(port)) as server:
        yield server, address_of(server)


@contextmanager
def working(here: CommandLine) -> Generator[Popen[str]]:
    """Start a worker, and wait until it is at work."""
    with here.started("worker") as worker:
        assert first_line(worker) == AT_WORK
        yield worker


@contextmanager
def asking(here: CommandLine, address: str, email: str) -> Generator[Popen[str]]:
    """Ask through HTTP for a task, and follow the run."""
    token = here.run("token", "new", "--user", email).stdout.strip()
    arguments = "--json", "--server", address, "--token", token
    with here.started("ask", "Create a task Buy milk", *arguments) as process:
        yield process


def stopped(process: Popen[str]) -> tuple[int, str]:
    """Tell a process to stop; give its exit code and what it said on stderr."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()
    return process.returncode, said


def answer_at(gate: Gate, email: str) -> ScriptedModel:
    """Give a model that writes, and whose answer waits at a gate."""
    answer = text(f"Done, {email}.").gated(gate)
    return ScriptedModel([tools(call("create_task", {"title": "Buy milk"})), answer, answer])


def assert_answered(process: Popen[str]) -> str:
    """Wait for the end of a command that asked: an answer behind one write. Give what it said on stderr."""
    lines, said = process.communicate()
    events = [json.loads(line) for line in lines.splitlines()]
    assert (process.returncode, events[-1]["type"], events[-1]["finished_reason"]) == (0, "done", "stop"), said
    assert [event["type"] for event in events].count("tool_result") == 1
    return said


async def test_a_worker_that_stops_hands_its_run_to_another(apart: CommandLine, email: str) -> None:
    """The run goes on at the other at once, as no crash; the one that stopped leaves with 0."""
    gate = Gate()
    with answer_at(gate, email) as model:
        here = apart.given(**told(model))
        with serving(here) as (_, address), working(here) as first, asking(here, address, email) as asked:
            run_id = str(json.loads(first_line(asked))["run"]["id"])
            await gate.reached()
            with working(here) as second:
                assert stopped(first) == (0, "")
                gate.open()
                assert_answered(asked)
                assert stopped(second) == (0, "")
    rows = Rows(apart.environment["PLANWRIGHT_DATABASE_URL"], email)
    assert (rows.run(run_id), rows.titles()) == (("done", 2, 0), ["Buy milk"])


async def test_a_client_outlives_the_restart_of_its_server(apart: CommandLine, email: str) -> None:
    """A server that stops in the middle of a stream asks its readers back; the run goes on at the worker meanwhile."""
    gate = Gate()
    with answer_at(gate, email) as model, reserved_port() as port:
        here = apart.given(**told(model))
        with working(here), serving(here, port) as (server, address), asking(here, address, email) as asked:
            run_id = str(json.loads(first_line(asked))["run"]["id"])
            await gate.reached()
            assert stopped(server) == (0, "")
            with serving(here, port):
                gate.open()
                said = assert_answered(asked)
    assert "Connection lost, reconnecting (1)" in said
    rows = Rows(apart.environment["PLANWRIGHT_DATABASE_URL"], email)
    assert (rows.run(run_id), rows.titles()) == (("done", 1, 0), ["Buy milk"])


@pytest.mark.parametrize("command", [["worker"], ["serve", "--no-worker", "--port", "0"]], ids=["worker", "server"])
def test_without_a_database_it_says_so_in_one_line(installed: CommandLine, command: list[str]) -> None:
    """Whoever starts it reads why it ended, and a script reads exit code 5."""
    away = installed.given(PLANWRIGHT_DATABASE_URL="host=127.0.0.1 port=9 user=nobody")
    done = away.run(*command)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (5, "", 1)
    assert done.stderr.startswith("planwright: ")


def test_the_printed_link_signs_the_demo_user_in_to_a_workspace(apart: CommandLine) -> None:
    """`serve --user demo` needs nothing beforehand: the page behind its link has projects."""
    with apart.started("serve", "--user", "demo", "--port", "0") as server:
        assert server.stdout is not None
        link = next(line for line in server.stdout if "/sign-in#" in line)
        address, _, code = link.strip().partition("/sign-in#")
        with httpx.Client(base_url=address) as browser:
            browser.post("/api/auth/session", json={"code": code}).raise_for_status()
            shown = browser.get("/api/workspace/projects").json()["items"]
        server.send_signal(signal.SIGTERM)
        server.communicate()
    assert len(shown) == 4


def test_who_is_greeted_is_said_only_where_no_keys_say_who_signs_in(apart: CommandLine) -> None:
    """With keys of one's own, `--user` would change nothing, and is refused."""
    done = apart.given(PLANWRIGHT_JWT_SECRET="k" * 32).run("serve", "--user", "demo")
    assert done.returncode == 2
    assert "PLANWRIGHT_JWT_SECRET" in done.stderr
