"""A server that begins a stream and then answers nothing more."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from subprocess import Popen

from tests.server.terminal.scripted import streamed
from tests.told import SESSION


@dataclass
class Hanging:
    """The server's address, and whether the run was asked to stop."""

    address: str = ""
    cancel_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def line_of(self, process: Popen[str]) -> str:
        """Wait for a line on a process's stdout while the server goes on."""
        assert process.stdout is not None
        return await asyncio.to_thread(process.stdout.readline)

    async def end_of(self, process: Popen[str]) -> tuple[str, str]:
        """Wait for a process's end; give what else it printed."""
        return await asyncio.to_thread(process.communicate)


@asynccontextmanager
async def hanging() -> AsyncGenerator[Hanging]:
    """Serve one begun stream on a free port."""
    state, over = Hanging(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if b"/cancel" in request:
            state.cancel_asked.set()
        else:
            writer.write(streamed((1, json.dumps(SESSION)), whole=False))
        await over.wait()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    state.address = f"http://{host}:{port}"
    async with server:
        yield state
        over.set()
