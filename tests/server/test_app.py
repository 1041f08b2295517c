"""The process around the routes."""

import asyncio
import os
import shutil
import signal
import sys
from ipaddress import IPv4Address
from pathlib import Path

import httpx
import pytest

from server.app import serve_until_stopped
from server.loopback import is_loopback
from server.settings import Settings, SettingsInvalid
from server.wiring import Planwright, Work
from tests.conftest import TEST_SECRET
from tests.server.reading import started
from tests.server.scripted_turns import ScriptedTurns

SERVE = "from server.app import serve; from server.settings import read_settings; serve(read_settings())"
START_SECONDS = 60


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        (str(IPv4Address(0)), False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.org", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """An address that others can reach is not loopback, and neither is a name that could be one."""
    assert is_loopback(host) is expected


async def test_without_a_key_nobody_else_is_served() -> None:
    """Listening beyond this machine is refused when no key for tokens was set."""
    with pytest.raises(SettingsInvalid, match="PLANWRIGHT_JWT_SECRET"):
        await serve_until_stopped(Settings(host="192.0.2.1", port=0), Work.SHARED)


async def test_a_stopped_server_ends_its_streams(
    client: httpx.AsyncClient, planwright: Planwright, script: ScriptedTurns
) -> None:
    """Streams of runs that do not end in time are closed without a terminal event: the client resumes elsewhere."""
    script.go_on.clear()
    run_id, _ = await started(client)
    await script.at_the_gate.wait()
    async with client.stream("GET", f"/api/agent/runs/{run_id}/events") as response:
        lines = response.aiter_lines()
        assert await anext(lines) == "id: 1"
        await planwright.worker.stop()
        planwright.hub.close()
        rest = [line async for line in lines]
    assert '"type":"done"' not in "".join(rest)


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
async def test_serve_prints_a_command_and_a_link_that_work_and_stops_when_told(admin_dsn: str, tmp_path: Path) -> None:
    """Without a key the server prints a curl line that streams an answer, and a link that signs a browser in once.

    Nothing that a client sends is printed, and SIGTERM ends it cleanly.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLANWRIGHT_")}
    environment |= {
        "PLANWRIGHT_DATABASE_URL": admin_dsn,
        "PLANWRIGHT_SECRET": TEST_SECRET.root.decode(),
        "PLANWRIGHT_DATA_DIR": str(tmp_path),
        "PLANWRIGHT_PORT": "0",
    }
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert server.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            lines = [(await server.stdout.readline()).decode().strip() for _ in range(7)]
            command, (link, _, code) = lines[2], lines[6].partition("#")
            curl = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
            answer, _ = await curl.communicate()
            assert b'"type":"session"' in answer
            assert b'"type":"done"' in answer
            async with httpx.AsyncClient(base_url=link.removesuffix("/sign-in")) as browser:
                assert "Signing in" in (await browser.get(link)).text
                signed_in = [await browser.post("/api/auth/session", json={"code": code}) for _ in range(2)]
                assert [answer.status_code for answer in signed_in] == [204, 401]
                assert len((await browser.get("/api/agent/stream")).json()["sessions"]) >= 1
                await browser.get("/api/agent/stream", params={"token": "canary"})
            server.send_signal(signal.SIGTERM)
            assert b"canary" not in await server.stdout.read()
            assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
