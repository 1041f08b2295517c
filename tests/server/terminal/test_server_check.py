"""The doctor's look at a server."""

import pytest

from server.doctor.checks import Verdict
from server.terminal.server_check import server_finding
from tests.server.terminal.scripted import refused, scripted

READY = b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"status":"ready"}'


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        pytest.param(READY, Verdict.OK, "takes messages", id="ready"),
        pytest.param(refused(503, "The database takes no writes."), Verdict.FAILED, "takes no writes", id="not ready"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Verdict.FAILED, "does not answer", id="else"),
        pytest.param(b"", Verdict.FAILED, "does not answer", id="hangs up"),
    ],
)
async def test_a_server_is_asked_whether_it_is_ready(answer: bytes, verdict: Verdict, words: str) -> None:
    """A server that is not ready fails with its own reason, one that is none with what to do; each has a next step."""
    async with scripted(answer) as server:
        finding = await server_finding(server.address)
    assert finding.verdict is verdict
    assert words in finding.text
    assert bool(finding.next_step) is (verdict is Verdict.FAILED)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "no address"])
async def test_an_address_that_nobody_answers_at_is_a_fault(address: str) -> None:
    """A closed port or a mistyped address is one line and one next step, never an error."""
    assert (await server_finding(address)).verdict is Verdict.FAILED


async def test_without_a_server_there_is_nothing_to_ask() -> None:
    """Commands without a server run in their own process."""
    assert (await server_finding(None)).verdict is Verdict.OK
