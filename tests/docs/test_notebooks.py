"""The notebooks: executed, paired with their sources, offline."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.house.project import ROOT

NOTEBOOKS: Final = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOWHERE: Final = "http://127.0.0.1:9"  # a proxy that is not there: whoever leaves the machine fails
FILTERS: Final = ("--opt", "notebook_metadata_filter=-all", "--opt", "cell_metadata_filter=-all")

notebooks = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)


def outputs(notebook: Path) -> list[dict[str, Any]]:
    """Return what a notebook's cells gave when it was executed."""
    cells = json.loads(notebook.read_text())["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_every_notebook_has_its_source() -> None:
    """Sources and notebooks come in pairs."""
    sources = {source.stem for source in (ROOT / "notebooks").glob("*.py")}
    assert {notebook.stem for notebook in NOTEBOOKS} == sources != set()


@notebooks
def test_a_notebook_is_its_source(notebook: Path) -> None:
    """Written out as text, the notebook is exactly the file beside it."""
    command = [
        sys.executable,
        "-m",
        "jupytext",
        "--quiet",
        "--to",
        "py:percent",
        *FILTERS,
        "--output",
        "-",
        str(notebook),
    ]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert written == notebook.with_suffix(".py").read_text()


@notebooks
def test_a_notebook_was_executed(notebook: Path) -> None:
    """Every code cell ran, in order, without an error and without a word on stderr."""
    cells = json.loads(notebook.read_text())["cells"]
    counts = [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert [output for output in outputs(notebook) if output["output_type"] == "error"] == []
    assert [output for output in outputs(notebook) if output.get("name") == "stderr"] == []


@notebooks
def test_no_picture_comes_from_elsewhere(notebook: Path) -> None:
    """A graph is shown as SVG made here; a PNG would have been drawn by a service."""
    assert [output for output in outputs(notebook) if "image/png" in output.get("data", {})] == []


@notebooks
def test_a_notebook_runs_offline(notebook: Path, tmp_path: Path) -> None:
    """Executed again on a fresh Postgres, without keys and with no way out of the machine, no cell fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLANWRIGHT_", "LANG"))}
    closed = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE) | {"NO_PROXY": "127.0.0.1,localhost"}
    keyless = {name: value for name, value in kept.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-m", "pytest", "--nbmake", "-p", "no:cacheprovider", "-q", str(notebook)]
    ran = subprocess.run(command, cwd=ROOT, env=keyless | closed, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
