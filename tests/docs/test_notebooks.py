"""The notebooks: executed, paired with their sources, offline."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest

from tests.displayed import assert_inert
from tests.docs.pages import fences
from tests.house.project import ROOT
from tests.house.test_files import OF_ONE_MACHINE

NOTEBOOKS: Final = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOWHERE: Final = "http://127.0.0.1:9"  # a proxy that is not there: whoever leaves the machine fails
MEDIA: Final = {"text/plain", "text/html", "text/markdown", "image/svg+xml"}
MARKUP: Final = {"text/html", "image/svg+xml"}
ASKING: Final = re.compile(r"await (?:\w+\.(?:ask|replay|fork|decide)|watched)\(")
ADDRESS: Final = re.compile(r"\w+://[^\s\"'<>]*|\bwww\.\S+|\bsrc=|\bhref=")
SVG: Final = "http://www.w3.org/2000/svg"  # the name of the format; nobody goes there
LOOPBACK: Final = "http://127.0.0.1:"
FILTERS: Final = ("--opt", "notebook_metadata_filter=-all", "--opt", "cell_metadata_filter=-all")

notebooks = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)


def offline() -> dict[str, str]:
    """Return an environment without keys and with no way out of the machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLANWRIGHT_", "LANG"))}
    keyless = {name: value for name, value in kept.items() if not name.endswith("_API_KEY")}
    closed = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOWHERE) | {"NO_PROXY": "127.0.0.1,localhost"}
    return keyless | closed


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
def test_stored_outputs_hold_nothing_active_and_no_place(notebook: Path) -> None:
    """What GitHub shows of a notebook runs no script, loads nothing, and knows neither the machine nor an address."""
    for output in outputs(notebook):
        shown = output.get("data", {"text/plain": output.get("text", "")})
        for media, parts in shown.items():
            assert media in MEDIA
            text = "".join(parts)
            assert OF_ONE_MACHINE.search(text) is None
            assert tempfile.gettempdir() not in text
            assert [link for link in ADDRESS.findall(text) if not link.startswith((SVG, LOOPBACK))] == []
        assert_inert({media: "".join(parts) for media, parts in shown.items() if media in MARKUP})


@notebooks
def test_a_run_is_shown_in_one_place(notebook: Path) -> None:
    """A cell that asks has one picture, which was drawn over until the run ended; no picture of before is left."""
    cells = json.loads(notebook.read_text())["cells"]
    asking = [cell["outputs"] for cell in cells if ASKING.search("".join(cell["source"]))]
    pictures = [[shown for shown in outputs if shown["output_type"] == "display_data"] for outputs in asking]
    assert [len(shown) for shown in pictures] == [1] * len(asking)
    heads = ["".join(shown["data"]["text/plain"]).split(" · ")[0] for [shown] in pictures]
    assert set(heads) <= {"Done", "Waiting for your approval"}
    assert "Done" in heads


@notebooks
def test_no_cell_ends_with_a_graph(notebook: Path) -> None:
    """A compiled graph as the last line of a cell would be drawn by a service elsewhere."""
    for output in outputs(notebook):
        assert "CompiledStateGraph" not in "".join(output.get("data", {}).get("text/plain", ""))


@notebooks
def test_a_notebook_runs_offline(notebook: Path, tmp_path: Path) -> None:
    """Executed again on a fresh Postgres, without keys and with no way out of the machine, no cell fails."""
    command = [sys.executable, "-m", "pytest", "--nbmake", "-p", "no:cacheprovider", "-q", str(notebook)]
    ran = subprocess.run(command, cwd=ROOT, env=offline(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_the_examples_of_the_page_work() -> None:
    """The Python of docs/notebooks.md, as one program, prints two runs side by side and what a run spent."""
    lines = "\n".join(fences(ROOT / "docs" / "notebooks.md", "python")).splitlines()
    program = "\n".join(
        ["import asyncio", "async def main():", *(f"    {line}" for line in lines), "asyncio.run(main())"]
    )
    ran = subprocess.run([sys.executable, "-c", program], env=offline(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "→ List the open tasks that are blocked" in ran.stdout
    assert "planwright-offline" in ran.stdout


def test_the_page_names_every_notebook() -> None:
    """Each has its row, with what it is about."""
    page = (ROOT / "docs" / "notebooks.md").read_text()
    assert [name for name in NOTEBOOKS if f"(../notebooks/{name.name})" not in page] == []
