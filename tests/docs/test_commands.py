"""What the pages tell people to type."""

import shutil
from pathlib import Path

import pytest

from tests.docs.conftest import Newcomer
from tests.docs.pages import PAGES, commands
from tests.house.project import ROOT

WITH_COMMANDS = [page for page in PAGES if commands(page)]

pytestmark = pytest.mark.xdist_group("newcomer")  # they share one installation


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_the_commands_of_a_page_work(page: Path, newcomer: Newcomer) -> None:
    """Every command of a page's console blocks, typed in order on a new installation, succeeds."""
    done = newcomer.types(commands(page))
    assert done.returncode == 0, done.stderr
    assert '{"error"' not in done.stdout.replace('{"error":"The run has ended already."', "")


def test_the_first_screen_shows_real_rows(newcomer: Newcomer) -> None:
    """What the README says first prints a plan, an answer with tasks in it, and the record of a run."""
    done = newcomer.types(commands(ROOT / "README.md"))
    assert "Plan, revision 1" in done.stderr
    assert "tasks are overdue, the oldest first" in done.stdout
    assert "planner  read_write" in done.stdout


def test_both_pages_with_commands_are_found() -> None:
    """The search above finds what it is for."""
    assert {"README.md", "http.md"} <= {page.name for page in WITH_COMMANDS}
