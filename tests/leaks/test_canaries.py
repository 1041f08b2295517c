"""P10: every secret, every error and everybody's texts are canaries, and every output is searched for them."""

import asyncio
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.leaks.installation import FAILURES, HEADER, Installation, installation, secrets
from tests.server.raw import raw_exchange
from tests.server.reading import STREAM
from tests.server.test_bad_requests import BODIES, HEADS

INSIDES: Final = re.compile(
    rb"Traceback|File \"|\.py\b|psycopg|postgres(ql)?://|site-packages|select |insert into", re.IGNORECASE
)
TRACING: Final = {
    "baggage": f"langsmith-metadata={HEADER}",
    "langsmith-trace": f"20260101T000000000000Z{uuid4()}",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "X-Request-ID": HEADER,
    "User-Agent": HEADER,
}
INJECTED: Final = "canary-of-a-message\r\nERROR root: forged \x1b[31m%s {0}"


def found(canaries: Iterable[str], where: bytes) -> list[str]:
    """Return which canaries stand somewhere, as they are, escaped in JSON, or in hexadecimal."""
    spelled = {
        canary: (canary.encode(), json.dumps(canary)[1:-1].encode(), canary.encode().hex().encode())
        for canary in canaries
    }
    return [canary for canary, spellings in spelled.items() if any(one in where for one in spellings)]


def ask(client: httpx.Client, message: str, **fields: str) -> list[dict[str, Any]]:
    """Send a message; return its events, or nothing when it was refused."""
    response = client.post(STREAM, json={"message": message, **fields}, headers=TRACING)
    return [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]


def everything_there_is(client: httpx.Client, session: str, run: str) -> None:
    """Send a request to every route, with these ids."""
    for path in (
        STREAM,
        f"{STREAM}?session_id={session}",
        "/api/agent/sessions",
        "/api/agent/sessions?search=canary&limit=1",
        f"/api/agent/sessions/{session}/runs",
        "/api/agent/runs",
        f"/api/agent/runs?session_id={session}&status=done&search=canary",
        f"/api/agent/runs/{run}",
        f"/api/agent/runs/{run}/events",
        f"/api/agent/runs/{run}/events?after=999",
        f"/api/agent/runs/{run}/export?as=html",
        f"/api/agent/runs/{run}/export?as=json",
        f"/api/agent/runs/{run}/compare/{run}",
        *(f"/api/workspace/{kind}?search=canary" for kind in ("projects", "tasks", "notes", "brain_dumps")),
        *(f"/api/workspace/{kind}/{run}" for kind in ("projects", "tasks", "notes", "brain_dumps", "calendar")),
        "/api/workspace/calendar",
        "/api/agent/examples",
        "/api/agent/settings",
        "/api/agent/doctor",
        "/api/auth/tokens",
        "/metrics",
        "/openapi.json",
        "/health/live",
        "/health/ready",
        "/api/agent/events.schema.json",
        f"{STREAM}?access_token=a.b.c",
        "/docs",
    ):
        client.get(path, headers=TRACING)
    client.post(f"/api/agent/runs/{run}/cancel")
    client.post(f"/api/agent/runs/{run}/replay")
    client.post(f"/api/agent/runs/{run}/fork", json={"message": "hello"})
    client.post(f"/api/agent/runs/{run}/undo")
    client.post(f"/api/agent/runs/{run}/decision", json={"digest": "0" * 64, "decision": "deny"})
    client.post(STREAM, json={"message": "hello", "session_id": session})
    client.patch(f"/api/agent/sessions/{session}", json={"title": "x", "user_id": str(uuid4())})
    client.delete(f"/api/agent/sessions/{uuid4()}")
    client.post("/api/auth/tokens", json={"name": "canary", "days": 0})
    client.delete(f"/api/auth/tokens/{run}")


def everything_of(client: httpx.Client, runs: list[str]) -> None:
    """Ask for all that can be made of one's own runs."""
    for run in runs:
        for path in ("export?as=html", "export?as=json", f"compare/{runs[0]}"):
            assert client.get(f"/api/agent/runs/{run}/{path}").status_code == 200
        for path in ("replay", "undo"):
            client.post(f"/api/agent/runs/{run}/{path}")


async def every_bad_request(here: Installation, token: str) -> None:
    """Send the table of bad requests."""
    for head, _ in HEADS.values():
        here.answers.append((await raw_exchange(here.address, head.sent(f"Bearer {token}"))).raw)
    async with httpx.AsyncClient(base_url=here.address, headers={"Authorization": f"Bearer {token}"}) as client:
        for body, _ in BODIES.values():
            response = await client.post(STREAM, content=body, headers={"Content-Type": "application/json"})
            here.answers.append(response.content)


@pytest.mark.figure
def test_no_secret_and_nobody_elses_text_gets_out(server_dsn: str, tmp_path: Path) -> None:
    """Whatever fails, no answer, event, log line, row or number has a secret, an error's text or another's words."""
    theirs = f"canary-of-somebody-else-{uuid4().hex}"
    with installation(server_dsn, str(tmp_path)) as here:
        _, their_token = here.person()
        _, token = here.person()
        with here.client(their_token) as client:
            first = ask(client, theirs)[0]
            session, run = first["session"]["id"], first["run"]["id"]
            here.answers.clear()
        with here.client(token) as client:
            told = [ask(client, f"{failure} {INJECTED}") for failure in FAILURES]
            ended = [events[-1] for events in told]
            everything_of(client, [events[0]["run"]["id"] for events in told])
            everything_there_is(client, session, run)
            asyncio.run(every_bad_request(here, token))
            with here.broken():
                everything_there_is(client, session, run)
                ask(client, INJECTED)
            with here.cut_off():
                for path in (STREAM, "/health/ready"):
                    client.get(path)
            here.until_ready()
            last = ask(client, "hello")[-1]
            assert last["type"] == "done", last
            metrics = client.get("/metrics").content
        log, stored, requests = here.stopped(), here.stored(), here.model.requests
        password = conninfo_to_dict(here.dsn).get("password")
    answered = b"\n".join(here.answers)
    hidden = [*secrets(), token, their_token, *([str(password)] if password else [])]
    rows = "\n".join(row for table in stored.values() for row in table)
    assert b'"code":"internal"' in answered
    assert b'"code":"database_unavailable"' in answered
    assert b"crash_inside failed inside" in answered
    assert "nobody foresaw" in log
    assert {event["type"] for event in ended} == {"done", "error"}
    assert found([*hidden, theirs], answered) == []
    assert found(hidden, rows.encode()) == []
    assert found([*hidden, theirs, "canary-of-a-message"], log.encode()) == []
    assert found([*hidden, theirs, "canary-of-a-message"], metrics) == []
    assert INSIDES.findall(answered) == []
    assert not any(HEADER in str(request.headers) for request in requests)
    assert not {"baggage", "langsmith-trace", "traceparent"} & {
        name for request in requests for name in request.headers
    }
    searched = f"{len(here.answers)} answers, {len(log.splitlines())} log lines, {rows.count(chr(10)) + 1} rows"
    print(f"canaries: {len(hidden) + 1} planted, 0 found in {searched} of {len(stored)} tables and the metrics")
