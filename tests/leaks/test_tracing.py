"""Tracing: off unless an operator switches it on, what it then shows and hides, and that it holds nothing up."""

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from tests.leaks.collector import collecting
from tests.leaks.installation import HEADER, IN_ORDER, Installation, installation, secrets
from tests.scripted_model.demo import ANSWER, GATHERING
from tests.server.reading import STREAM, streamed

MESSAGE: Final = "canary-of-a-message"
ASKED: Final = "from langsmith.utils import tracing_is_enabled; print(tracing_is_enabled())"
HIDDEN: Final = {"LANGSMITH_HIDE_INPUTS": "true", "LANGSMITH_HIDE_OUTPUTS": "true"}
STOPPED_WITHIN_SECONDS: Final = 20


@contextmanager
def traced(server_dsn: str, folder: Path, address: str, **settings: str) -> Generator[Installation]:
    """Start a server that is told to send traces somewhere."""
    switched_on = {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": address, "LANGSMITH_API_KEY": "x"}
    with installation(server_dsn, str(folder), **switched_on, **settings) as here:
        yield here


def asked(here: Installation, message: str, **headers: str) -> list[dict[str, Any]]:
    """Send a message in the name of somebody new; return the events of its run."""
    _, token = here.person()
    with here.client(token) as client:
        return streamed(client.post(STREAM, json={"message": message}, headers=headers)).events


def test_tracing_is_off_unless_it_is_switched_on() -> None:
    """In an environment that says nothing of it, nothing is traced."""
    done = subprocess.run([sys.executable, "-c", ASKED], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_is_traced_holds_no_secret(server_dsn: str, tmp_path: Path) -> None:
    """Switched on and told to hide texts, traces hold neither keys nor texts, nor what a client's headers wanted in."""
    headers = {"baggage": f"langsmith-metadata={HEADER}", "langsmith-trace": f"20260101T000000000000Z{uuid4()}"}
    with collecting() as collector, traced(server_dsn, tmp_path, collector.address, **HIDDEN) as here:
        asked(here, MESSAGE, **headers)
        asked(here, f"wrong key {MESSAGE}", **headers)
        asked(here, f"{IN_ORDER}: {MESSAGE}", **headers)
        here.stopped()
        sent = b"\n".join(collector.sent)
    assert b"planwright" in sent
    hidden = [*secrets(), MESSAGE, HEADER, ANSWER, "Four tasks are overdue", "Read the person"]
    assert [canary for canary in hidden if canary.encode() in sent] == []


def test_a_trace_shows_a_complex_run_as_a_tree(server_dsn: str, tmp_path: Path) -> None:
    """Nodes under the run, executors under their node, and under each executor its models and its tool, with tokens."""
    with collecting() as collector, traced(server_dsn, tmp_path, collector.address) as here:
        events = asked(here, IN_ORDER)
        here.stopped()
    run_id, session_id = events[0]["run"]["id"], events[0]["session"]["id"]
    plan_id = next(event["plan"]["id"] for event in events if event["type"] == "plan_created")

    [root] = collector.named("planwright")
    assert {f"run:{run_id}", f"session:{session_id}"} <= set(root["tags"])
    executors = collector.named("executor: ")
    assert {f"executor: Read the person's {tool}." for tool in GATHERING} < {run["name"] for run in executors}
    steps = {word: run for run in executors for word in run["tags"] if word.startswith("step:")}
    assert sorted(steps) == [f"step:{number}" for number in range(1, 6)]
    for executor in steps.values():
        assert f"plan:{plan_id}" in executor["tags"]
        assert collector.above(executor)[-1] == "planwright"
        below = [run for run in collector.runs.values() if run.get("parent_run_id") == executor["id"]]
        assert Counter(run["run_type"] for run in below) == {"llm": 2, "tool": 1}
        assert all(run["end_time"] and not run.get("error") for run in below)
    assert {run["name"] for run in collector.runs.values() if run["run_type"] == "tool"} == set(GATHERING)


def test_a_streamed_answer_is_traced_with_what_it_cost(server_dsn: str, tmp_path: Path) -> None:
    """Its text and the provider's token counts are in the trace."""
    with collecting() as collector, traced(server_dsn, tmp_path, collector.address) as here:
        asked(here, MESSAGE)
        here.stopped()
        usage = here.model.usage
    [said] = [run for run in collector.runs.values() if run["run_type"] == "llm"]
    assert "Fine." in str(said["outputs"])
    assert f"'input_tokens': {usage.prompt}" in str(said["outputs"])


def test_an_endpoint_that_does_not_answer_is_not_used(server_dsn: str, tmp_path: Path) -> None:
    """The server says so, answers, and stops at once."""
    with traced(server_dsn, tmp_path, "http://127.0.0.1:9") as here:
        assert asked(here, MESSAGE)[-1]["type"] == "done"
        assert "LANGSMITH_TRACING does not answer" in here.stopped()


def test_an_endpoint_that_takes_and_never_answers_holds_no_stop_up(server_dsn: str, tmp_path: Path) -> None:
    """What is left to send is given up after some seconds."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with traced(server_dsn, tmp_path, address) as here:
            assert asked(here, MESSAGE)[-1]["type"] == "done"
            here.stopped(STOPPED_WITHIN_SECONDS)
            assert here.process.returncode == 0
