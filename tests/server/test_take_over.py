"""A run outlives the process that works on it: real processes, kill -9, one database."""

import json
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

import httpx
import pytest

from persistence import embedded
from tests.greeting import address_of, token_of
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import rules, when
from tests.scripted_model.server import ScriptedModel
from tests.server.terminal.command_line import CommandLine

SHORT_LEASE: Final = {"PLANWRIGHT_LEASE_SECONDS": "1.5", "PLANWRIGHT_HEARTBEAT_SECONDS": "0.5"}
PATIENCE_SECONDS: Final = 60.0
Event = dict[str, Any]


@pytest.fixture
def folder() -> Generator[Path]:
    """Give a data folder of its own, and stop the Postgres that killed processes left in it."""
    made = Path(tempfile.mkdtemp(prefix="planwright-take-over-"))
    made.chmod(0o755)
    yield made / "data"
    embedded.start(made / "data").close()
    shutil.rmtree(made)


def greeted(process: Popen[str]) -> tuple[str, dict[str, str]]:
    """Return the address that a server prints, and the header to talk to it."""
    return address_of(process), {"Authorization": f"Bearer {token_of(process)}"}


async def events_of(answer: httpx.Response) -> AsyncGenerator[Event]:
    """Yield the events of a stream."""
    async for line in answer.aiter_lines():
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


async def test_another_process_ends_what_a_killed_one_began(folder: Path) -> None:
    """After kill -9 in the middle of a turn, the next process ends it: the write is there once, no event is lost."""
    gate = Gate()
    write = call("create_task", {"title": "Water the plants"})
    script = rules(when(tools(write), last_role="user"), when(text("It is on your list.").gated(gate)))
    with ScriptedModel(script) as model:
        program = CommandLine(
            {
                "PLANWRIGHT_DATA_DIR": str(folder),
                "PLANWRIGHT_PORT": "0",
                "PLANWRIGHT_MODEL_BASE_URL": model.base_url,
                "PLANWRIGHT_PLANNER_MODEL": "scripted",
                **SHORT_LEASE,
            }
        )
        seen: list[Event] = []
        with program.started("serve") as first:
            address, headers = greeted(first)
            async with (
                httpx.AsyncClient(base_url=address, headers=headers, timeout=PATIENCE_SECONDS) as client,
                client.stream("POST", "/api/agent/stream", json={"message": "Remember the plants"}) as answer,
            ):
                async for event in events_of(answer):
                    seen.append(event)
                    if event["type"] == "tool_result":
                        await gate.reached()
                        first.kill()
                        break
        gate.open()
        run_id = seen[0]["run"]["id"]
        with program.started("serve") as second:
            address, headers = greeted(second)
            async with httpx.AsyncClient(base_url=address, headers=headers, timeout=PATIENCE_SECONDS) as client:
                async with client.stream("GET", f"/api/agent/runs/{run_id}/events") as answer:
                    told = [event async for event in events_of(answer)]
                trace = (await client.get(f"/api/agent/runs/{run_id}")).json()
    assert told[: len(seen)] == seen
    assert [event["type"] for event in told[len(seen) :]] == ["text", "done"]
    assert (trace["run"]["status"], trace["run"]["attempt"]) == ("done", 2)
    assert [(row["tool"], row["state"]) for row in trace["tool_calls"]] == [("create_task", "applied")]
