"""Streams as clients read them: by the rules of server-sent events, from a socket."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from server.scopes import Scope
from server.tail import POLL_SECONDS
from server.tokens import issue_token
from tests.conftest import TEST_SECRET, Person
from tests.greeting import address_in
from tests.server.raw import raw_exchange
from tests.server.reading import PATIENCE_SECONDS, STREAM, signed_in_client, started
from tests.server.scripted_turns import ScriptedTurns
from tests.server.terminal.command_line import INHERITED

FORGED: Final[tuple[str, ...]] = (
    'one\n\ndata: {"type":"done"}\n\n',
    'two\r\rid: 99\rdata: {"type":"error"}\r\r',
    "three\r\n\r\nevent: close\r\nretry: 0\r\n\r\n",
    ": a comment\n\n",
    "\ufeff\u2028data: x\u2029\x85\x0b\x0c\n",
    "data:" * 2_000 + "\n" * 10_000,
)
FULL: Final = os.environ.get("STREAMS") == "full"
READERS: Final = 500 if FULL else 100
HEARTBEAT_SECONDS: Final = 15.0 if FULL else 1.0
LATE_SECONDS: Final = 5.0  # that a heartbeat may be late on a machine that does other things as well
MEMORY_MAX_BYTES: Final = 500 * 2**20
SERVE: Final = (
    f"from server import tail; tail.HEARTBEAT_SECONDS = {HEARTBEAT_SECONDS};"
    " from server.terminal.cli import main; main()"
)


def read_as_browsers_do(body: bytes) -> list[tuple[str, str]]:
    """Return the id and the data of each event, by the rules that the HTML standard gives to browsers."""
    events: list[tuple[str, str]] = []
    last_id, data = "", list[str]()
    for line in re.split(r"\r\n|\r|\n", body.decode("utf-8-sig")):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line and data:
            events.append((last_id, "\n".join(data)))
            data = []
        elif name == "id":
            last_id = value
        elif name == "data":
            data.append(value)
    return events


async def test_no_text_of_a_model_is_read_as_an_event(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """Text that looks like the end of a frame and the next one is one text event, and reads back as it was said."""
    script.before[:], script.after[:] = FORGED, ()
    for body in (await _streamed(client), await _replayed(client)):
        events = read_as_browsers_do(body)
        said = [json.loads(data) for _, data in events]
        assert [event["type"] for event in said] == ["session", *["text"] * len(FORGED), "done"]
        assert [event["content"] for event in said[1:-1]] == list(FORGED)
        assert [seq for seq, _ in events] == [str(n + 1) for n in range(len(FORGED) + 2)]


async def _streamed(client: httpx.AsyncClient) -> bytes:
    return (await client.post(STREAM, json={"message": "Hello"})).content


async def _replayed(client: httpx.AsyncClient) -> bytes:
    [run] = (await client.get("/api/agent/runs")).json()["runs"]
    return (await client.get(f"/api/agent/runs/{run['id']}/events")).content


async def test_a_stream_by_http_1_0_ends_with_its_connection(address: str, client: httpx.AsyncClient) -> None:
    """An old proxy gets the same events without chunks, and nothing between it and them."""
    head = f"POST {STREAM} HTTP/1.0\r\nHost: a\r\nAuthorization: {client.headers['authorization']}\r\n"
    message = b'{"message":"Hello"}'
    rest = f"Content-Type: application/json\r\nContent-Length: {len(message)}\r\nAccept-Encoding: gzip\r\n\r\n"
    answer = await raw_exchange(address, (head + rest).encode() + message)
    assert [json.loads(data)["type"] for _, data in read_as_browsers_do(answer.body)][-1] == "done"
    assert (answer.headers["x-accel-buffering"], answer.headers["cache-control"]) == ("no", "no-cache, no-transform")
    assert not {"transfer-encoding", "content-encoding", "content-length"} & set(answer.headers)


@asynccontextmanager
async def serving_process(dsn: str, folder: Path) -> AsyncGenerator[str]:
    """Run a server that works on nothing, in a process of its own; give its address."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
        "PLANWRIGHT_DATABASE_URL": dsn,
        "PLANWRIGHT_SECRET": TEST_SECRET.root.decode(),
        "PLANWRIGHT_DATA_DIR": str(folder),
    }
    arguments = ("-c", SERVE, "serve", "--no-worker", "--port", "0")
    server = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment, stdout=PIPE)
    assert server.stdout is not None
    try:
        address = address_in((await server.stdout.readline()).decode())
        assert address is not None, "it ended before it listened"
        yield address
    finally:
        server.terminate()
        await server.wait()


@asynccontextmanager
async def following(address: str, run_id: str, token: str) -> AsyncGenerator[asyncio.StreamReader]:
    """Follow a run from its first event, which is read."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = f"GET /api/agent/runs/{run_id}/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    try:
        await reader.readuntil(b'"type":"session"')
        yield reader
    finally:
        writer.close()


async def heard_after(reader: asyncio.StreamReader) -> float:
    """Return how long it took until the next heartbeat."""
    began = monotonic()
    async with asyncio.timeout(HEARTBEAT_SECONDS + PATIENCE_SECONDS):
        await reader.readuntil(b": keep-alive\n\n")
    return monotonic() - began


@pytest.mark.figure
async def test_idle_streams_are_kept_alive_in_little_memory(admin_dsn: str, person: Person, tmp_path: Path) -> None:
    """Each of very many streams of runs that wait gets its heartbeats on time, and the process stays small."""
    token = issue_token(TEST_SECRET.token_key(), person.id, 1, Scope)
    async with serving_process(admin_dsn, tmp_path) as address, signed_in_client(address, token) as client:
        runs = [(await started(client))[0] for _ in range(3)]
        async with AsyncExitStack() as open_streams:
            readers = [
                await open_streams.enter_async_context(following(address, runs[n % len(runs)], token))
                for n in range(READERS)
            ]
            late = [
                max(await asyncio.gather(*(heard_after(reader) for reader in readers))) - HEARTBEAT_SECONDS
                for _ in range(2)
            ]
            metrics = (await client.get("/metrics")).text
        for run_id in runs:
            await client.post(f"/api/agent/runs/{run_id}/cancel")
    memory = float(re.findall(r"^process_resident_memory_bytes (\S+)$", metrics, re.MULTILINE)[0])
    print(f"idle streams: {READERS}, heartbeats at most {max(late):.1f} s late, {memory / 2**20:.0f} MB")
    assert f"planwright_streams {READERS}.0" in metrics
    assert max(late) < POLL_SECONDS + LATE_SECONDS
    assert memory < MEMORY_MAX_BYTES
