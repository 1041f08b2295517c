"""The guard that keeps the suite on this machine."""

import asyncio
import socket
import sys
from collections.abc import Callable
from subprocess import run

import pytest

from tests.conftest import EGRESS

ELSEWHERE = "192.0.2.1"  # RFC 5737: nobody has it
CONNECTING = f"asyncio.get_running_loop().create_connection(asyncio.Protocol, '{ELSEWHERE}', 9)"
LOOKING_UP = "asyncio.get_running_loop().getaddrinfo('example.org', 80)"


def send_a_datagram() -> None:
    """Send one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"x", (ELSEWHERE, 53))


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda: socket.create_connection((ELSEWHERE, 9)), id="a connection"),
        pytest.param(lambda: socket.getaddrinfo("example.org", 80), id="a look-up"),
        pytest.param(send_a_datagram, id="a datagram"),
        pytest.param(lambda: asyncio.run(asyncio.wait_for(asyncio.open_connection(ELSEWHERE, 9), 5)), id="asyncio"),
    ],
)
def test_leaving_this_machine_is_refused_and_told(leave: Callable[[], object]) -> None:
    """Whoever tries gets an error at once, and the test that it happened in hears of it even if it was caught."""
    with pytest.raises(PermissionError):
        leave()
    assert EGRESS.attempts()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("leaving", [CONNECTING, LOOKING_UP], ids=["a connection", "a look-up"])
def test_a_process_of_a_test_cannot_leave_either(loop: str, leaving: str) -> None:
    """Every Python process that a test starts is guarded before it runs a line, whichever loop it uses."""
    program = f"import asyncio, {loop}\nasync def leave():\n await {leaving}\n{loop}.run(leave())"
    done = run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "no way out" in done.stderr
    assert EGRESS.attempts()


def test_this_machine_itself_is_open() -> None:
    """Loopback is where the tests live."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert EGRESS.attempts() == []


def test_a_name_that_cannot_exist_is_not_looked_for() -> None:
    """Tests of a name that resolves to nothing get the resolver's own error, and nothing leaves."""
    with pytest.raises(socket.gaierror):
        socket.create_connection(("model.invalid", 80))
    assert EGRESS.attempts() == []
