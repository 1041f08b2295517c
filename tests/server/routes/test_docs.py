"""`/docs` over HTTP, and in a browser."""

import asyncio
import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Final

import httpx
import pytest

from server.api_docs import PLACES, api_docs
from server.body_examples import EXAMPLES
from server.routes.docs import POLICY
from tests.house.project import ROOT
from tests.server.reading import STREAM, refusal, send, streamed

VENDOR: Final = ROOT / "server/static/vendor"
CHROMIUM: Final = shutil.which("chromium")
ALONE: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def test_what_is_vendored_is_in_the_lock() -> None:
    """The lock names each file of Swagger UI that is sent, with its version and its licence."""
    held = json.loads((VENDOR / "lock.json").read_text())["swagger-ui-dist"]
    assert {f"swagger-ui/{name}" for name, place in PLACES.items() if "vendor" in place} < set(held["files"])
    assert (held["version"], held["licence"]) == ("5.35.0", "Apache-2.0")


async def test_the_page_may_run_what_comes_from_here_alone(client: httpx.AsyncClient) -> None:
    """The page needs no token, names files of this server only, and forbids everything else."""
    client.headers.pop("Authorization")
    answer = await client.get("/docs")
    assert (answer.status_code, answer.headers["content-security-policy"]) == (200, POLICY)
    assert "unsafe" not in POLICY
    named = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert len(named) == 5
    assert all(name.startswith(("/docs/", "data:,")) for name in named)


async def test_a_file_may_be_kept_for_ever(client: httpx.AsyncClient) -> None:
    """Each file is typed, compressed for who can take it so, and kept: its address changes with the files."""
    docs = api_docs()
    for name, held in docs.held.items():
        packed = await client.get(f"/docs/{docs.digest}/{name}")
        plain = await client.get(f"/docs/{docs.digest}/{name}", headers={"Accept-Encoding": "identity"})
        assert packed.content == plain.content == held.content == gzip.decompress(held.packed)
        assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
        assert packed.headers["content-type"].partition(";")[0] == held.kind
        assert "immutable" in packed.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/docs/0000000000000000/docs.js", "/docs/{digest}/docs.html", "/docs/{digest}/lock.json"]
)
async def test_nothing_else_is_there(client: httpx.AsyncClient, path: str) -> None:
    """Other releases and other files are not found."""
    assert refusal(await client.get(path.format(digest=api_docs().digest))) == (404, "not_found")


@pytest.mark.parametrize("name", EXAMPLES["Ask"])
async def test_the_examples_of_a_message_run(client: httpx.AsyncClient, name: str) -> None:
    """What the page offers to send is accepted as it stands, and its run ends; only a session has to be one's own."""
    session = (await send(client)).session_id
    body = {**EXAMPLES["Ask"][name]}
    if "session_id" in body:
        body["session_id"] = session
    assert streamed(await client.post(STREAM, json=body)).types[-1] == "done"


async def test_the_examples_of_other_bodies_run(client: httpx.AsyncClient) -> None:
    """So are changes of a session and new tokens."""
    session = (await send(client)).session_id
    for body in EXAMPLES["SessionChange"].values():
        assert (await client.patch(f"/api/agent/sessions/{session}", json=body)).status_code == 200
    for body in EXAMPLES["NewToken"].values():
        assert (await client.post("/api/auth/tokens", json=body)).status_code == 201


@pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium here: apt-get install chromium.")
async def test_a_browser_shows_every_operation(address: str, tmp_path: Path, client: httpx.AsyncClient) -> None:
    """Under its policy the page draws each operation of the schema, and writes nothing to the console."""
    dom, console = await _seen_by_chromium(f"{address}/docs", tmp_path)
    schema = (await client.get("/openapi.json")).json()
    operations = sum(len(methods) for methods in schema["paths"].values())
    assert len(re.findall(r'class="opblock-summary-path"', dom)) == operations
    assert "Authorize" in dom
    assert re.findall(r"CONSOLE.*", console) == []


async def _seen_by_chromium(url: str, profile: Path) -> tuple[str, str]:
    """Return what the page became, and what the browser wrote about it."""
    assert CHROMIUM is not None
    program = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *ALONE,
        f"--user-data-dir={profile}",
        "--enable-logging=stderr",
        "--virtual-time-budget=20000",
        "--dump-dom",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    dom, console = await program.communicate()
    assert program.returncode == 0, console
    return dom.decode(), console.decode(errors="replace")
