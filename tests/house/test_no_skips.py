"""Where every test has to run, one that is skipped ends the run."""

import subprocess
import sys
from pathlib import Path

import pytest

SKIPPED = """
import pytest

def test_that_runs():
    pass

@pytest.mark.skipif(True, reason="by its mark")
def test_by_its_mark():
    pass

def test_by_itself():
    pytest.skip("by itself")
"""


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        pytest.param([], (0, "1 passed, 2 skipped"), id="elsewhere"),
        pytest.param(["-p", "tests.no_skips"], (1, "1 failed, 1 passed, 1 error"), id="where every test has to run"),
    ],
)
def test_a_skipped_test_has_failed(options: list[str], outcome: tuple[int, str], tmp_path: Path) -> None:
    """With the plugin, whatever skips a test fails it, and the reason is told."""
    (tmp_path / "test_some.py").write_text(SKIPPED)
    command = [sys.executable, "-m", "pytest", "-q", "-rfs", "--rootdir", str(tmp_path), *options, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1].rpartition(" in ")[0]) == outcome, done.stdout
    assert "by its mark" in done.stdout
    assert "by itself" in done.stdout
