"""The rooms of docs/architecture.md, held by the contracts in pyproject.toml."""

import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from tests.house.project import PACKAGES, ROOT

LINT_IMPORTS: Final = Path(sys.executable).parent / "lint-imports"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts against the packages in a folder."""
    return subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def test_imports_point_down() -> None:
    """No package imports one above it, and each outside library is imported in its own room only."""
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        pytest.param("persistence/rows.py", "import tools", id="persistence looks up to tools"),
        pytest.param("tools/notes.py", "import nodes", id="tools look up to nodes"),
        pytest.param("nodes/plan.py", "import graph", id="nodes look up to graph"),
        pytest.param("graph/turn.py", "import server", id="graph looks up to server"),
        pytest.param("tools/notes.py", "import psycopg", id="a tool speaks to Postgres"),
        pytest.param("nodes/plan.py", "import fastapi", id="a node knows HTTP"),
        pytest.param("graph/turn.py", "import typer", id="the graph knows the command line"),
        pytest.param("graph/turn.py", "import langchain_openai", id="the graph names a vendor outside its door"),
        pytest.param("server/app.py", "import langchain_openai", id="the server names a vendor"),
    ],
)
def test_an_import_against_the_direction_is_found(module: str, line: str, tmp_path: Path) -> None:
    """The contracts refuse each kind of wrong import, so they cannot be kept by saying nothing."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / module).write_text(f"{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_name_is_ours_alone(package: str) -> None:
    """No other installed distribution owns one of the five names, and importing one finds this project."""
    assert set(packages_distributions().get(package, [])) <= {"planwright"}
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin == str(ROOT / package / "__init__.py")
