"""The proxies of docs/deployment.md, run: events come as they happen, and a browser can sign in."""

import asyncio
import re
import shutil
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.door import BODY_MAX_BYTES
from server.sse import HEADERS
from server.tail import HEARTBEAT_SECONDS
from server.tokens import TOKEN_MAX_CHARS, issue_token
from tests.conftest import Person
from tests.deploy.proxies import DEPLOY, HOST, Proxy, caddy, missing, nginx, proxy
from tests.page.stage import TOKEN_KEY, Stage
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import text

ORIGIN = f"https://{HOST}"


@pytest.fixture(params=[nginx, caddy], ids=lambda written: written.__name__)
async def in_front(request: pytest.FixtureRequest, stage: Stage, tmp_path: Path) -> AsyncIterator[Proxy]:
    """Give a proxy in front of the program."""
    if missing(request.param.__name__):
        pytest.skip(f"There is no {request.param.__name__} here.")
    async with proxy(request.param, tmp_path, stage.address) as started:
        yield started


@pytest.fixture
async def browser(in_front: Proxy) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that asks the proxy, and takes it for the host of its certificate."""
    address = f"https://127.0.0.1:{in_front.port}"
    async with httpx.AsyncClient(
        base_url=address, verify=in_front.context, headers={"Host": HOST}, timeout=60
    ) as client:
        client.event_hooks["request"].append(_name_host)
        yield client


async def test_events_come_while_the_run_is_at_work(browser: httpx.AsyncClient, stage: Stage, person: Person) -> None:
    """What was said so far arrives before the model says the rest: nothing on the way waits for the end."""
    gate = Gate()
    stage.plays([text("Hello to you.", deltas=4).gated(gate, after=1)])
    asked = browser.stream("POST", "/api/agent/stream", headers=_bearer(person), json={"message": "Good morning"})
    async with asked as answer:
        lines = answer.aiter_lines()
        first = await anext(lines)
        gate.open()
        rest = [line async for line in lines]
    assert (answer.status_code, first) == (200, "id: 1")
    assert '"finished_reason":"stop"' in "".join(rest)


async def test_a_page_signs_in_and_out(browser: httpx.AsyncClient, person: Person) -> None:
    """The cookie is for HTTPS and this host alone, and counts for pages of the address that people see."""
    signed_in = await browser.post("/api/auth/session", headers=_bearer(person))
    cookie = signed_in.headers["set-cookie"]
    assert cookie.startswith("__Host-planwright_session=")
    kept = {"Cookie": cookie.partition(";")[0], "Sec-Fetch-Site": "same-origin"}
    assert (await browser.get("/api/agent/sessions", headers=kept)).status_code == 200
    foreign = await browser.delete("/api/auth/session", headers={**kept, "Origin": "https://evil.example.org"})
    own = await browser.delete("/api/auth/session", headers={**kept, "Origin": ORIGIN})
    assert (foreign.status_code, own.status_code) == (403, 204)


async def test_the_largest_body_passes(browser: httpx.AsyncClient, person: Person) -> None:
    """What Planwright takes, the proxy takes: the refusal of a body is the program's own."""
    body = {"message": "x" * (BODY_MAX_BYTES - 20)}
    refused = await browser.post("/api/agent/stream", headers=_bearer(person), json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "message_too_long")


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
async def test_browsers_get_http_2(in_front: Proxy) -> None:
    """More than six tabs can follow runs."""
    place = f"{HOST}:{in_front.port}:127.0.0.1"
    address = f"https://{HOST}:{in_front.port}/health/live"
    asking = ["curl", "-s", "--http2", "--cacert", str(in_front.trusted), "--resolve", place, "-w", "%{http_version}"]
    asked = await asyncio.create_subprocess_exec(*asking, address, stdout=PIPE)
    said, _ = await asked.communicate()
    assert said == b'{"status":"live"}2'


def test_the_times_and_sizes_fit_the_server() -> None:
    """A silent stream is not cut by nginx, whose sizes are those of the server."""
    said = (DEPLOY / "nginx.conf").read_text()
    [read_seconds] = re.findall(r"proxy_read_timeout (\d+)s", said)
    [body_kib] = re.findall(r"client_max_body_size (\d+)k", said)
    [header_kib] = re.findall(r"large_client_header_buffers \d+ (\d+)k", said)
    assert int(read_seconds) > 2 * HEARTBEAT_SECONDS
    assert int(body_kib) * 1024 == BODY_MAX_BYTES
    assert int(header_kib) * 1024 > TOKEN_MAX_CHARS
    assert HEADERS["X-Accel-Buffering"] == "no"


def _bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_token(TOKEN_KEY, person.id, 1)}"}


async def _name_host(request: httpx.Request) -> None:
    request.extensions["sni_hostname"] = HOST
