"""The sdist, tested by the tests that are in it."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.release.artefacts import Artefacts

SHORT: Final = ("tests/docs/test_events.py", "tests/docs/test_http.py", "tests/nodes/planning/test_rules.py")
LONG: Final = (
    "tests/docs/test_configuration.py",
    "tests/graph/offline",
    "tests/nodes",
    "tests/persistence",
    "tests/tools",
)


@pytest.mark.timeout(600)
def test_the_tests_of_the_sdist_pass_in_it(artefacts: Artefacts, wheelhouse: Path | None, tmp_path: Path) -> None:
    """Unpacked elsewhere, its tests run on its own files: a part of them, more in `make release-check`."""
    own = artefacts.unpacked(tmp_path)
    where = subprocess.run(
        [sys.executable, "-c", "import server; print(server.__file__)"],
        cwd=own,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(own / "server/__init__.py")
    chosen = SHORT if wheelhouse is None else (*SHORT, *LONG)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(command, cwd=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
