"""The limit: sockets, JSON and one transaction a step: `python -m tests.bench.peers.raw DSN MODEL_URL`.

No framework, no client library, no graph. It does the bench's request: a plan,
an executor of two calls and one tool for each step as soon as the steps before
it are done, an answer that is passed on as it comes. Each step's events are
committed before they are sent. An executor's calls are read whole; with a third
argument, `streamed`, they come in tokens, as all calls of the naive server do.
"""

import asyncio
import json
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import uvloop
from psycopg_pool import AsyncConnectionPool

POOL_SIZE: Final = 20
TABLE: Final = """
    create table if not exists events (
        run uuid not null, seq integer not null, payload text not null, primary key (run, seq))
"""
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
PLAN: Final[dict[str, Any]] = {"type": "function", "function": {"name": "create_plan", "parameters": {}}}
LIST: Final[dict[str, Any]] = {"type": "function", "function": {"name": "list_tasks", "parameters": {}}}
RESULT: Final[dict[str, Any]] = {"type": "function", "function": {"name": "submit_result", "parameters": {}}}

OnText = Callable[[str], Awaitable[None]]


class Model:
    """Connections to the model's server that are used again."""

    def __init__(self, url: str, *, is_always_streamed: bool) -> None:
        self._is_always_streamed = is_always_streamed
        address = urlsplit(url)
        assert address.hostname is not None, "an address has a host"
        self._host, self._port, self._path = address.hostname, address.port, f"{address.path}/chat/completions"
        self._idle: list[tuple[StreamReader, StreamWriter]] = []

    async def ask(self, messages: list[Any], tools: list[Any], on_text: OnText | None = None) -> dict[str, Any]:
        """Make one call; return {content, arguments} of the answer."""
        is_streamed = self._is_always_streamed or on_text is not None
        body: dict[str, Any] = {"model": "deep", "messages": messages, "stream": is_streamed}
        if tools:
            body["tools"] = tools
        data = orjson.dumps(body)
        place = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        reader, writer = place
        writer.write(
            b"POST %s HTTP/1.1\r\nHost: model\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (self._path.encode(), len(data))
            + data
        )
        await reader.readuntil(b"\r\n\r\n")
        said = await (self._streamed(reader, on_text) if is_streamed else self._whole(reader))
        self._idle.append(place)
        return said

    async def _whole(self, reader: StreamReader) -> dict[str, Any]:
        parts = [part async for part in _chunks(reader)]
        message = orjson.loads(b"".join(parts))["choices"][0]["message"]
        calls: list[Any] = message.get("tool_calls") or []
        return {"message": message, "arguments": orjson.loads(calls[0]["function"]["arguments"]) if calls else None}

    async def _streamed(self, reader: StreamReader, on_text: OnText | None) -> dict[str, Any]:
        said, arguments = "", ""
        async for part in _chunks(reader):
            for line in part.split(b"\n\n"):
                if not line.startswith(b"data: {"):
                    continue
                for choice in orjson.loads(line[6:])["choices"]:
                    if text := choice["delta"].get("content"):
                        said += text
                        if on_text is not None:
                            await on_text(text)
                    for call in choice["delta"].get("tool_calls") or ():
                        arguments += call["function"].get("arguments") or ""
        return {
            "message": {"role": "assistant", "content": said},
            "arguments": json.loads(arguments) if arguments else None,
        }


async def _chunks(reader: StreamReader) -> AsyncGenerator[bytes]:
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


class Run:
    """One request: its log and its stream."""

    def __init__(self, model: Model, pool: AsyncConnectionPool[Any], writer: StreamWriter) -> None:
        self._model, self._pool, self._writer = model, pool, writer
        self._id, self._seq, self._lock = uuid4(), 0, asyncio.Lock()

    async def tell(self, *events: dict[str, Any]) -> None:
        """Commit a step's events, then send them."""
        async with self._lock:
            payloads = [orjson.dumps(event) for event in events]
            async with self._pool.connection() as connection:
                await connection.execute(
                    "insert into events select %s, %s + place, payload"
                    " from unnest(%s::text[]) with ordinality as told (payload, place)",
                    (self._id, self._seq, [payload.decode() for payload in payloads]),
                )
            self._seq += len(payloads)
            self._writer.write(b"".join(b"data: %s\n\n" % payload for payload in payloads))

    async def work(self, message: str) -> None:
        """Plan, execute, answer."""
        await self.tell({"type": "session", "session": {"id": str(self._id)}})
        asked = [{"role": "user", "content": message}]
        plan = await self._model.ask(asked, [PLAN], self._hidden)
        steps = plan["arguments"]["steps"]
        await self.tell({"type": "plan_created", "steps": steps})
        done = {step["stepNumber"]: asyncio.Event() for step in steps}
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(self._execute(step, done))
        await self._model.ask(
            [*asked, {"role": "assistant", "content": "Planned."}, {"role": "tool", "content": "Done."}],
            [],
            self._shown,
        )
        await self.tell({"type": "done"})

    async def _execute(self, step: dict[str, Any], done: dict[int, asyncio.Event]) -> None:
        for before in step["dependsOn"]:
            await done[before].wait()
        await self.tell({"type": "step_start", "step": step})
        messages: list[Any] = [{"role": "user", "content": step["description"]}]
        first = await self._model.ask(messages, [LIST, RESULT])
        await self.tell({"type": "tool_call"}, {"type": "tool_result"})
        messages += [first["message"], {"role": "tool", "content": "Four tasks are overdue."}]
        last = await self._model.ask(messages, [LIST, RESULT])
        await self.tell({"type": "step_complete", "result": last["arguments"]})
        done[step["stepNumber"]].set()

    async def _hidden(self, text: str) -> None:
        """Leave a plan's text out of the stream."""

    async def _shown(self, text: str) -> None:
        self._writer.write(b"data: %s\n\n" % orjson.dumps({"type": "text", "content": text}))


async def serve(dsn: str, model_url: str, executors: str = "whole") -> None:
    """Serve until the process is ended."""
    model = Model(model_url, is_always_streamed=executors == "streamed")
    connections: AsyncConnectionPool[Any] = AsyncConnectionPool(dsn, min_size=POOL_SIZE, max_size=POOL_SIZE, open=False)
    async with connections as pool:
        async with pool.connection() as connection:
            await connection.execute(TABLE)

        async def answer(reader: StreamReader, writer: StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = orjson.loads(await reader.readexactly(length))
            writer.write(HEAD)
            await Run(model, pool, writer).work(body["message"])
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
