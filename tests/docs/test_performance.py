"""docs/performance.md against the measurements that there are."""

import re
from importlib.util import find_spec
from typing import Final

from tests.house.project import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
COMMAND: Final = re.compile(r"python -m (tests\.[\w.]+)")


def test_every_command_for_a_number_is_there() -> None:
    """Each module that the page has one run exists."""
    named = set(COMMAND.findall(PAGE.read_text()))
    assert named
    assert {module for module in named if find_spec(module) is None} == set()


def test_what_make_bench_measures_is_told() -> None:
    """The page tells of each measurement of `make bench`."""
    measured = set(COMMAND.findall((ROOT / "Makefile").read_text().partition("\nbench:")[2].partition("\n\n")[0]))
    assert measured - set(COMMAND.findall(PAGE.read_text())) == set()
