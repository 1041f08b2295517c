"""People who ask at once, each on a socket of their own: cheap enough to leave the server the machine."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

REQUEST: Final = {"message": "Help me organize my project tasks for next week"}
PATIENCE_SECONDS: Final = 300


@dataclass(frozen=True)
class Asked:
    """One request that came to its end: seconds to the first event and to the last."""

    first: float
    total: float


async def ask(base_url: str, headers: Mapping[str, str]) -> Asked:
    """Send the request and read its stream to `done`.

    Raises:
        RuntimeError: it ended otherwise; the last bytes.
    """
    address = urlsplit(base_url)
    body = json.dumps(REQUEST).encode()
    fields = {"Host": address.netloc, "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    head = "POST /api/agent/stream HTTP/1.1\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(head.encode() + b"\r\n" + body)
    first, tail = 0.0, b""
    while part := await reader.read(65_536):
        tail = (tail + part)[-2000:]
        if not first and b"data:" in tail:
            first = time.perf_counter() - started
    total = time.perf_counter() - started
    writer.close()
    if b'"done"' not in tail:
        raise RuntimeError(tail.decode(errors="replace"))
    return Asked(first, total)


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
