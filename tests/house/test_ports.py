"""Two tests that run at once never take one server for another."""

import socket
import struct
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from server.app import listening
from tests.greeting import address_of
from tests.ports import reserved_port
from tests.server.terminal.command_line import CommandLine

IP_LOCAL_PORT_RANGE: Final = 51  # Linux 6.3; Python has no name for it


@contextmanager
def taking_any_port_out_of(port: int) -> Generator[socket.socket]:
    """Give a socket to which the system gives this port or none, as it might give it to a stranger's among all."""
    with socket.socket() as stranger:
        try:
            stranger.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("I", port << 16 | port))
        except OSError:
            pytest.skip("this kernel chooses among all ports")
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield stranger


def test_a_reserved_port_is_nobody_elses() -> None:
    """Neither a stranger's server nor a stranger's connection gets it, before our server has it and after."""
    with reserved_port() as port, listening("127.0.0.1", 0) as elsewhere:
        for _ in range(2):
            with taking_any_port_out_of(port) as stranger, pytest.raises(OSError, match="already in use"):
                stranger.bind(("127.0.0.1", 0))
            with taking_any_port_out_of(port) as stranger, pytest.raises(OSError, match="Cannot assign"):
                stranger.connect(elsewhere.getsockname())
            with listening("127.0.0.1", port) as ours:
                assert ours.getsockname()[1] == port


def test_a_server_whose_port_is_a_strangers_is_not_taken_for_it(tmp_path: Path) -> None:
    """Waiting for its address fails with what it said, although somebody listens there."""
    with listening("127.0.0.1", 0) as stranger:
        port = stranger.getsockname()[1]
        with (
            CommandLine({"PLANWRIGHT_DATA_DIR": str(tmp_path)}).started("serve", "--port", str(port)) as server,
            pytest.raises(AssertionError, match=f":{port} cannot be listened on"),
        ):
            address_of(server)
