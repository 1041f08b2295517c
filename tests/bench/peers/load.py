"""People who ask at once, each on a socket of their own: cheap enough to leave the server the machine."""

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

REQUEST: Final = {"message": "Help me organize my project tasks for next week"}
PATIENCE_SECONDS: Final = 300
SESSION: Final = re.compile(rb'"session":\s*{"id":\s*"([0-9a-f-]{36})"')


@dataclass(frozen=True)
class Asked:
    """One request that came to its end: seconds to the first event and to the last, and the session it was of."""

    first: float
    total: float
    session_id: str


async def ask(base_url: str, headers: Mapping[str, str], session_id: str | None = None) -> Asked:
    """Send the request, into a session if one is named, and read its stream to `done`.

    Raises:
        RuntimeError: it ended otherwise; the last bytes.
    """
    address = urlsplit(base_url)
    body = json.dumps(REQUEST if session_id is None else {**REQUEST, "session_id": session_id}).encode()
    fields = {"Host": address.netloc, "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    head = "POST /api/agent/stream HTTP/1.1\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(head.encode() + b"\r\n" + body)
    first, tail, session = 0.0, b"", None
    while part := await reader.read(65_536):
        tail += part
        if not first and b"data:" in tail:
            first = time.perf_counter() - started
        session = session or SESSION.search(tail)
        tail = tail[-2000:]
    total = time.perf_counter() - started
    writer.close()
    if b'"done"' not in tail:
        raise RuntimeError(tail.decode(errors="replace"))
    assert session is not None, "the first event names the session"
    return Asked(first, total, session[1].decode())


async def all_at_once(base_url: str, people: Sequence[Mapping[str, str]]) -> list[Asked]:
    """Have each of the people ask once, all at the same moment."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return list(await asyncio.gather(*(ask(base_url, headers) for headers in people)))


async def one_after_another(base_url: str, headers: Mapping[str, str], times: int) -> list[Asked]:
    """Have one person ask so often."""
    return [await ask(base_url, headers) for _ in range(times)]


async def for_a_while(base_url: str, people: Sequence[Mapping[str, str]], seconds: float) -> float:
    """Have the people ask again and again for so long; return the runs a second."""
    until = time.perf_counter() + seconds
    ended = 0

    async def keep_asking(headers: Mapping[str, str]) -> None:
        nonlocal ended
        while time.perf_counter() < until:
            await ask(base_url, headers)
            ended += 1

    started = time.perf_counter()
    await asyncio.gather(*(keep_asking(headers) for headers in people))
    return ended / (time.perf_counter() - started)
