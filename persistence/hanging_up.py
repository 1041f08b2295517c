"""Giving up on a server that does not answer: a peer that vanished says nothing, for ever."""

import asyncio
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from psycopg import AsyncConnection


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
