"""A server of a few lines that answers each connection with the next prepared bytes, then hangs up."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Scripted:
    """The server's address, and what it was sent, one request a connection."""

    address: str = ""
    requests: list[str] = field(default_factory=list[str])


def streamed(*frames: tuple[int, str], whole: bool = True, asked_back_after: int | None = None) -> bytes:
    """Give an answer of frames; one that is not whole breaks off where a chunk would follow.

    With `asked_back_after` the server says, at the end, after how many milliseconds the reader should come back.
    """
    text = "".join(f"id: {seq}\ndata: {payload}\n\n" for seq, payload in frames).encode()
    text += b"" if asked_back_after is None else b"retry: %d\n\n" % asked_back_after
    chunk = b"%x\r\n%s\r\n" % (len(text), text) if text else b""
    return OK + chunk + (b"0\r\n\r\n" if whole else b"")


def traced(status: str) -> bytes:
    """Give the part of a run's trace that says where it stands."""
    body = f'{{"run": {{"status": "{status}"}}}}'
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def refused(status: int, error: str, headers: str = "") -> bytes:
    """Give a refusal with the small body that every refusal has."""
    body = f'{{"error": "{error}", "code": "x"}}'
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncGenerator[Scripted]:
    """Serve the answers, in order, on a free port."""
    state = Scripted()
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-l")), 0
        )
        state.requests.append(head + (await reader.readexactly(length)).decode())
        writer.write(left.pop(0) if left else b"")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    state.address = f"http://{host}:{port}"
    async with server:
        yield state
