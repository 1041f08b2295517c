"""One site for each process of the suite, and the table at the end."""

from collections.abc import AsyncGenerator

import pytest

from tests.faults.processes import Zygote
from tests.faults.reference import ASKING, KINDS
from tests.faults.site import Site, opened_site
from tests.faults.striking import Known, uncrashed
from tests.faults.trials import PROPERTY


@pytest.fixture(scope="session")
async def zygote() -> AsyncGenerator[Zygote]:
    """Give what starts processes of the program."""
    started = await Zygote.started()
    yield started
    await started.close()


@pytest.fixture(scope="session")
async def site(zygote: Zygote) -> AsyncGenerator[Site]:
    """Give an installation of two servers and two workers."""
    async with opened_site(zygote) as opened:
        for _ in range(2):
            await opened.add_server("--no-worker")
            await opened.add_worker()
        yield opened


@pytest.fixture(scope="session")
async def known(site: Site) -> Known:
    """Give each reference run as it is when nothing happens to it."""
    return {kind: await uncrashed(site, kind) for kind in (*KINDS, ASKING)}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one table over all families."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    rows = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write_line(f"{'family':<44} {'trials':>6} {'floor':>6} {'good':>6}  figures")
    for family, made, floor, successes, figures in rows:
        terminalreporter.write_line(f"{family:<44} {made:>6} {floor:>6} {successes:>6}  {figures}")
