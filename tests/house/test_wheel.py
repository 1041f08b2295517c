"""The wheel that `pip install planwright` would fetch."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import server
from tests.house.project import PACKAGES, ROOT, files_below


@pytest.fixture
def wheel(tmp_path: Path) -> ZipFile:
    """Build the wheel, without network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    [built] = tmp_path.glob("*.whl")
    assert built.name == f"planwright-{server.__version__}-py3-none-any.whl"
    return ZipFile(built)


def test_the_wheel_holds_the_five_packages_and_nothing_else(wheel: ZipFile) -> None:
    """Everything a package reads at run time is in it: migrations, prompts, static files; tests and notes are not."""
    expected = {str(file.relative_to(ROOT)) for package in PACKAGES for file in files_below(ROOT / package)}
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == {name for name in expected if not name.endswith(".pyc")}
