"""The examples of docs/clients.md, against a server as the page says."""

import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from tests.docs.conftest import ADDRESS, Newcomer
from tests.docs.pages import fences
from tests.house.project import ROOT
from tests.server.client.node import NODE, WITHOUT_NODE

PAGE = ROOT / "docs" / "clients.md"

pytestmark = pytest.mark.xdist_group("newcomer")  # they share one installation


def program(language: str, newcomer: Newcomer) -> str:
    """Return the page's examples in one language as one program, for this installation."""
    return "\n".join(fences(PAGE, language)).replace(ADDRESS, newcomer.address)


def done_by(newcomer: Newcomer, *command: str | Path) -> CompletedProcess[str]:
    """Run a command with a token, as the page says."""
    token = newcomer.types(["planwright token new --user demo"]).stdout.strip()
    environment = {**newcomer.environment, "TOKEN": token}
    return run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_python_examples_work(newcomer: Newcomer) -> None:
    """The Python of the page, as one program, prints an answer, decides, and reads what is stored."""
    done = done_by(newcomer, sys.executable, "-c", program("python", newcomer))
    assert done.returncode == 0, done.stderr
    assert "a new task “Water the plants”" in done.stdout
    assert "create_task" in done.stdout


@WITHOUT_NODE
def test_the_typescript_example_works(newcomer: Newcomer, tmp_path: Path) -> None:
    """The TypeScript of the page, beside copies of the client, decides and follows the run to its end."""
    for file in (ROOT / "clients/typescript").glob("*.ts"):
        shutil.copy(file, tmp_path)
    (tmp_path / "example.ts").write_text(program("ts", newcomer))
    done = done_by(newcomer, NODE, tmp_path / "example.ts")
    assert done.returncode == 0, done.stderr
    assert "a new task “Water the plants”" in done.stdout
    assert done.stdout.splitlines()[-1] == "false"
