"""Sending a reply, with the faults it is to have."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from pydantic import JsonValue

from tests.scripted_model.http import ClientLeft, Connection
from tests.scripted_model.replies import Reply
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.wire import events, whole


async def deliver_chat(connection: Connection, request: ChatRequest, reply: Reply) -> bool:
    """Send a reply to a chat request and say whether the connection goes on.

    Raises:
        ClientLeft: the client was gone before the end.
    """
    if reply.events is not None or (request.is_streamed and reply.body is None):
        blocks = [b"data: " + _json(event) + b"\n\n" for event in events(request, reply)]
        blocks += [b"data: [DONE]\n\n"] if reply.sends_done else []
        return await _deliver(connection, reply, blocks, streamed=True)
    body = _json(whole(request, reply) if reply.body is None else reply.body)
    return await _deliver(connection, reply, [body[: len(body) // 2], body[len(body) // 2 :]], streamed=False)


async def deliver_body(connection: Connection, reply: Reply) -> bool:
    """Send a reply that is only a body, and say whether the connection goes on.

    Raises:
        ClientLeft: the client was gone before the end.
    """
    return await _deliver(connection, reply, [_json(reply.body)], streamed=False)


async def _deliver(connection: Connection, reply: Reply, blocks: list[bytes], *, streamed: bool) -> bool:
    """Send the blocks; a fault strikes between two of them."""
    if reply.delay_seconds:
        await _unless_left(connection, lambda: asyncio.sleep(reply.delay_seconds))
    await _pass_gate(connection, reply, 0)
    if reply.disconnects_after_events == 0:
        return False
    await connection.begin(reply.status, reply.headers, streamed=streamed)
    blocks = [b"".join(blocks)] if reply.joined else blocks
    for sent in range(len(blocks) + 1):
        if sent == reply.disconnects_after_events:
            return False
        while sent == reply.repeats_after_events:
            await connection.send(blocks[sent - 1], slice_bytes=reply.slice_bytes)
        if sent == reply.stalls_after_events:
            await connection.left()
            raise ClientLeft
        if sent:
            await _pass_gate(connection, reply, sent)
        if reply.pace_seconds:
            await _unless_left(connection, lambda: asyncio.sleep(reply.pace_seconds))
        if sent in {reply.ends_after_events, len(blocks)}:
            break
        await connection.send(blocks[sent], slice_bytes=reply.slice_bytes)
    await connection.end()
    return True


async def _pass_gate(connection: Connection, reply: Reply, sent: int) -> None:
    if reply.gate is not None and reply.gate_after_events == sent:
        await _unless_left(connection, reply.gate.passed)


async def _unless_left(connection: Connection, wait: Callable[[], Awaitable[None]]) -> None:
    waiting, leaving = asyncio.ensure_future(wait()), asyncio.ensure_future(connection.left())
    done, pending = await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending)  # what was cancelled still reads until it is gone
    if waiting not in done:
        raise ClientLeft


def _json(value: JsonValue | bytes) -> bytes:
    """Return the JSON with its letters as they are, so that slices cut through them; surrogates must be escaped."""
    if isinstance(value, bytes):
        return value
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()
