"""The model of the comparison: `python -m tests.bench.peers.model FIRST_MS TOKEN_MS`.

It answers as `tests.scripted_model.demo` says, in fifty tokens each time, with a delay
before the first and between two, and costs little itself: an answer is put into bytes once.
Each block has its moment after the request, so that an answer takes as long as
the pace says however late timers are.
"""

import asyncio
import sys
import time
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import orjson
import uvloop

from tests.scripted_model.demo import ANSWER_DELTAS, organise
from tests.scripted_model.replies import Reply
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.wire import events, whole

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN_CHARS: Final = 4
WORDS: Final = "The list comes first, and what it says about the week after it. " * 4
LEVELS: Final = 6  # of model calls on the critical path of the demo's plan: plan, two steps of two calls, answer


@dataclass(frozen=True)
class Pace:
    """How fast the model speaks."""

    first_ms: float
    token_ms: float

    @property
    def critical_path_seconds(self) -> float:
        """Return how long the model alone takes for one run: the shortest a run can be."""
        return LEVELS * self.seconds_until(1)

    def seconds_until(self, share: float) -> float:
        """Return how long after its request that share of an answer has been said."""
        return (self.first_ms + ANSWER_DELTAS * self.token_ms * share) / 1000


@cache
def in_fifty_tokens(reply: Reply) -> Reply:
    """Have a call's arguments come in tokens, behind as many words as make up `ANSWER_DELTAS`."""
    if not reply.calls:
        return reply
    call = reply.calls[0]
    written = len(call.arguments or "")
    piece_chars = max(TOKEN_CHARS, -(-written // (ANSWER_DELTAS - 1)))
    words = ANSWER_DELTAS - 1 - -(-written // piece_chars)
    return replace(
        reply,
        calls=(replace(call, piece_chars=piece_chars),),
        text=WORDS[: words * TOKEN_CHARS] or None,
        deltas=words,
    )


@cache
def _streamed(reply: Reply, model: str) -> list[bytes]:
    asked = ChatRequest({}, {"model": model, "stream": True, "stream_options": {"include_usage": True}})
    told = [b"data: %s\n\n" % orjson.dumps(event) for event in events(asked, reply)]
    return [b"%x\r\n%s\r\n" % (len(block), block) for block in [*told, b"data: [DONE]\n\n"]]


@cache
def _whole(reply: Reply, model: str) -> bytes:
    body = orjson.dumps(whole(ChatRequest({}, {"model": model}), reply))
    return HEAD % b"application/json" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


async def answer(request: ChatRequest, writer: StreamWriter, pace: Pace) -> None:
    """Send one answer at the model's pace."""
    asked_at = time.monotonic()
    reply = in_fifty_tokens(organise(request))
    if not request.is_streamed:
        body = _whole(reply, request.model)
        await _until(asked_at + pace.seconds_until(1))
        writer.write(body)
        return
    blocks = _streamed(reply, request.model)
    await _until(asked_at + pace.seconds_until(0))
    writer.write(HEAD % b"text/event-stream")
    if pace.token_ms:
        for place, block in enumerate(blocks):
            await _until(asked_at + pace.seconds_until(place / (len(blocks) - 1)))
            writer.write(block)
    else:
        writer.writelines(blocks)
    writer.write(b"0\r\n\r\n")


async def _until(moment: float) -> None:
    if (left := moment - time.monotonic()) > 0:
        await asyncio.sleep(left)


async def serve(pace: Pace) -> None:
    """Serve until the process is ended."""

    async def converse(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if line)
                request = ChatRequest({}, orjson.loads(await reader.readexactly(int(fields[b"content-length"]))))
                await answer(request, writer, pace)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(Pace(*(float(argument) for argument in sys.argv[1:3]))))
