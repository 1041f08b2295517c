"""Giving up on a server that does not answer: a peer that vanished says nothing, for ever."""

import asyncio
import os
import select
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from psycopg import AsyncConnection, Error, OperationalError

BELIEVED_SECONDS: Final = 1.0  # that a connection which answered is still one
CHECK_SECONDS: Final = 2.0  # for an idle connection to answer; a caller waits longer, so it still gets a new one


@contextmanager
def hung_up_after(connection: AsyncConnection[Any], seconds: float) -> Generator[None]:
    """Break a connection on which what is done takes longer than that.

    Cancelling a statement would wait for the server, which is what may be gone. An
    answer that is there and was not read yet is late by our own fault: it is waited for again.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def hang_up() -> None:
        nonlocal timer
        if connection.closed:
            return
        if _has_news(connection):
            timer = loop.call_later(seconds, hang_up)
            return
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    timer = loop.call_later(seconds, hang_up)
    try:
        yield
    finally:
        timer.cancel()


class IdleConnections:
    """Those to one server: whether one of them may be handed out.

    One that was heard a moment ago is believed, another one has to answer. When one
    does not, those that were last heard before that are closed unasked: a network
    loses its connections together, and whoever needs one would wait for each of them.
    """

    def __init__(self) -> None:
        self._silent_at = float("-inf")  # when one was asked that did not answer

    async def hold_open(
        self, connection: AsyncConnection[Any], heard_at: float, ask: Callable[[], Awaitable[object]]
    ) -> None:
        """Hold that the server is there; `heard_at` is by `time.monotonic`, `ask` waits for an answer.

        Raises:
            psycopg.Error: it is not, and the connection is closed.
        """
        if _has_news(connection):
            await connection.close()
            raise OperationalError("the server has closed the connection")
        if heard_at < self._silent_at:
            await connection.close()
            raise OperationalError("the server has fallen silent")
        asked_at = monotonic()
        if asked_at - heard_at > BELIEVED_SECONDS:
            try:
                with hung_up_after(connection, CHECK_SECONDS):
                    await ask()
            except Error:
                self._silent_at = asked_at
                raise


def _has_news(connection: AsyncConnection[Any]) -> bool:
    """Say whether there is something to read; on an idle connection that is the server's last word."""
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    return bool(line.poll(0))
