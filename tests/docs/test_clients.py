"""The examples of docs/clients.md, against a server as the page says."""

import subprocess
import sys

import pytest

from tests.docs.conftest import ADDRESS, Newcomer
from tests.docs.pages import fences
from tests.house.project import ROOT

PAGE = ROOT / "docs" / "clients.md"

pytestmark = pytest.mark.xdist_group("newcomer")  # they share one installation


def test_the_python_examples_work(newcomer: Newcomer) -> None:
    """The Python of the page, as one program, prints an answer, decides, and reads what is stored."""
    program = "\n".join(fences(PAGE, "python")).replace(ADDRESS, newcomer.address)
    named = newcomer.types(["export TOKEN=$(planwright token new --user demo)", 'printf %s "$TOKEN"'])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**newcomer.environment, "TOKEN": named.stdout},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "a new task “Water the plants”" in done.stdout
    assert "create_task" in done.stdout
