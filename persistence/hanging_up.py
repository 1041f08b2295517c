"""Giving up on a server that does not answer: a peer that vanished says nothing, for ever."""

import asyncio
import os
import select
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from psycopg import AsyncConnection, OperationalError

BELIEVED_SECONDS: Final = 1.0  # that a connection which answered is still one


@contextmanager
def hung_up_after(connection: AsyncConnection[Any], seconds: float) -> Generator[None]:
    """Break a connection on which what is done takes longer than that.

    Cancelling a statement would wait for the server, which is what may be gone.
    """

    def hang_up() -> None:
        if not connection.closed:
            with socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_later(seconds, hang_up)
    try:
        yield
    finally:
        timer.cancel()


async def refuse_hung_up(connection: AsyncConnection[Any]) -> None:
    """Look whether the server has hung up on an idle connection: it left something to read. There is no round trip.

    Raises:
        OperationalError: it has, and the connection is closed.
    """
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    if line.poll(0):
        await connection.close()
        raise OperationalError("the server has closed the connection")
