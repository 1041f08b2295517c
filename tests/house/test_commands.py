"""The commands of a checkout: `make` and `.ci/run`."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.house.project import ROOT, files_below


def targets() -> set[str]:
    """Return the targets that the Makefile calls commands."""
    [line] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return set(line.split())


def make(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run make in a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_every_command() -> None:
    """`make` without a target prints each command with a sentence, and does nothing else."""
    result = make(folder=ROOT)
    assert result.returncode == 0
    assert set(re.findall(r"^  make ([a-z-]+) +\S", result.stdout, re.MULTILINE)) == targets()


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    """Where there is no Python 3.11, make says so and how to name one, before it creates anything."""
    for file in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-uv.lock"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / "server").mkdir()
    (tmp_path / "server/__init__.py").touch()
    result = make("install", "PYTHON=no-such-python", folder=tmp_path)
    assert result.returncode != 0
    assert "needs Python 3.11 or newer; no-such-python is missing" in result.stderr
    assert "make PYTHON=" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_commands_that_exist() -> None:
    """`.ci/run` is executable and calls only commands of the Makefile, the tests among them."""
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    [checks] = re.findall(r"^for check in ([a-z -]+); do$", script.read_text(), re.MULTILINE)
    assert {"lint", "types", "test-extras", "test-deployment", "test"} == set(checks.split()) <= targets()


def test_every_test_that_needs_an_extra_runs_with_it() -> None:
    """`make test-extras` names each file whose tests are skipped without an extra."""
    [named] = re.findall(r"^EXTRAS_TESTS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    needing = {
        str(file.relative_to(ROOT))
        for file in files_below(ROOT / "tests")
        if file.suffix == ".py" and re.search(r"^from tests\.extras import ", file.read_text(), re.MULTILINE)
    }
    assert needing == set(named.split())
