"""LangGraph Studio's development server, with our routes mounted and the LangGraph SDK as its client."""

import asyncio
import importlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.conftest import TEST_SECRET
from tests.extras import needs_extra
from tests.house.project import ROOT
from tests.ports import reserved_port
from tests.server.reading import until

LANGGRAPH: Final = Path(sys.executable).with_name("langgraph")
PATIENCE_SECONDS: Final = 90.0  # to start: eight alone, more than twenty beside other tests
pytestmark = needs_extra("studio", "langgraph_cli")


@asynccontextmanager
async def studio(admin_dsn: str | None, folder: Path) -> AsyncGenerator[str]:
    """Start the development server on a free port; give its address once it serves."""
    environment = {
        **os.environ,
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGGRAPH_NO_VERSION_CHECK": "true",
        "LANGSMITH_TRACING": "false",
        "PLANWRIGHT_DATA_DIR": str(folder),
        "PLANWRIGHT_SECRET": TEST_SECRET.root.decode(),
    }
    if admin_dsn is not None:
        environment["PLANWRIGHT_DATABASE_URL"] = admin_dsn
    for file in ("langgraph.json", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)  # it leaves a folder of its own where it runs
    with reserved_port() as port:
        command = [str(LANGGRAPH), "dev", "--no-browser", "--no-reload", "--port", str(port)]
        log = (folder / "log").open("wb")
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"

        async def serves() -> bool:
            assert process.returncode is None, (folder / "log").read_text()
            async with httpx.AsyncClient() as client:
                try:
                    return (await client.get(f"{address}/health/ready")).is_success
                except httpx.TransportError:
                    return False

        try:
            await until(serves, PATIENCE_SECONDS)
            yield address
        finally:
            process.terminate()
            await process.wait()
            log.close()


async def test_the_sdk_runs_a_thread(admin_dsn: str, tmp_path: Path) -> None:
    """The SDK finds both graphs, draws ours, and runs two turns of one thread, which are two runs of one session."""
    async with studio(admin_dsn, tmp_path) as address:
        client: Any = importlib.import_module("langgraph_sdk").get_client(url=address)
        found = {assistant["graph_id"]: assistant for assistant in await client.assistants.search()}
        drawn = await client.assistants.get_graph(found["planwright"]["assistant_id"])
        thread = await client.threads.create()
        asked = {"assistant_id": "ask", "stream_mode": "custom"}
        events = [
            part.data["type"]
            async for part in client.runs.stream(
                thread["thread_id"], input={"message": "Create a task: Water the plants"}, **asked
            )
            if part.event == "custom"
        ]
        first = (await client.threads.get_state(thread["thread_id"]))["values"]
        await client.runs.wait(thread["thread_id"], "ask", input={"message": "What is open?"})
        second = (await client.threads.get_state(thread["thread_id"]))["values"]
    assert set(found) == set(json.loads((ROOT / "langgraph.json").read_text())["graphs"])
    assert {"decide", "run_plan", "synthesise"} <= {node["id"] for node in drawn["nodes"]}
    assert (events[0], events[-1]) == ("session", "done")
    assert first["session_id"] == second["session_id"]
    assert first["run_id"] != second["run_id"]
    assert "Water the plants" in first["answer"]


@pytest.fixture
def reachable() -> Generator[Path]:
    """Give a folder that the database's user can reach."""
    with tempfile.TemporaryDirectory(prefix="planwright-studio-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


async def test_it_stops_its_own_database_in_peace(reachable: Path) -> None:
    """As `make studio` runs it, on a database of its own: the end is no error, and the database is at rest."""
    async with studio(None, reachable):
        assert (reachable / "cluster" / "postmaster.pid").exists()
    log = (reachable / "log").read_text()
    assert not (reachable / "cluster" / "postmaster.pid").exists()
    assert "Application shutdown failed" not in log
    assert "Traceback" not in log
