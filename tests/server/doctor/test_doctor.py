"""The check-up of a running server."""

import asyncio
from collections.abc import Sequence

import pytest

from server.doctor import doctor
from server.doctor.checks import Finding, Verdict
from server.doctor.doctor import Doctor, of_process


class Examined:
    """Counts how often it is examined."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> Sequence[Finding]:
        """Find out which time it is."""
        self.times += 1
        await asyncio.sleep(0)
        return [Finding(Verdict.OK, "time", str(self.times))]


async def test_all_who_ask_within_half_a_minute_get_the_same() -> None:
    """Twenty at once make one check-up, and so do those that come after them."""
    examined = Examined()
    here = Doctor(examined)
    found = await asyncio.gather(*(here.findings() for _ in range(20)))
    assert [one[0].text for one in [*found, await here.findings()]] == ["1"] * 21


async def test_a_check_up_is_made_anew_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is no longer fresh, the next who asks has another made."""
    monkeypatch.setattr(doctor, "FRESH_SECONDS", -1.0)
    examined = Examined()
    here = Doctor(examined)
    assert [(await here.findings())[0].text for _ in range(2)] == ["1", "2"]


async def test_a_process_says_what_it_sends_out_and_on_what_it_stands() -> None:
    """A process that knows nothing of its installation still has its tracing and its dependencies to tell of."""
    assert {one.subject for one in await of_process()} == {"tracing", "dependencies"}
