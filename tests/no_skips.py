"""A plugin for where every test has to run (`pytest -p tests.no_skips`): one that is skipped has failed."""

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the report of a skipped test into that of a failed one, with the reason for which it was skipped."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, and every test has to run here: {report.longrepr}"
    return report
