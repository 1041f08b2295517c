"""A port for a program that cannot take a free one itself and say which."""

import socket
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Generator[int]:
    """Give a port of loopback that Linux gives to nobody else within the block, only to who asks for it by its number.

    It is bound and not listened on. A server that sets SO_REUSEADDR, as servers do, can listen on such a port.
    """
    with socket.socket() as holding:
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind(("127.0.0.1", 0))
        yield int(holding.getsockname()[1])
