"""docs/security.md against the tree."""

import re
from typing import Final

from tests.docs.pages import table_rows
from tests.house.project import ROOT

PAGE: Final = ROOT / "docs" / "security.md"
FILE: Final = re.compile(r"\b((?:graph|nodes|persistence|server|tests|tools)/[\w./]*\w)")


def test_every_file_that_is_named_is_there() -> None:
    """What is said to stop an attack, and what is said to show it, exists."""
    named = set(FILE.findall(PAGE.read_text()))
    assert len(named) > 30
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_promise_names_what_shows_it() -> None:
    """Each row of the promises has a file that stops the attack and a test."""
    for promise, attack, stops, shown in table_rows(PAGE, "Promises"):
        assert attack, promise
        assert FILE.search(stops) or "decisions/" in stops, promise
        tests = FILE.findall(shown)
        assert tests, promise
        assert all(name.startswith("tests/") for name in tests), promise


def test_both_lists_are_whole() -> None:
    """Each of the ten risks of both lists has a row."""
    text = PAGE.read_text()
    for number in range(1, 11):
        assert text.count(f"| LLM{number:02} ") == 1
        assert text.count(f"| ASI{number:02} ") == 1
    assert {int(number) for number in re.findall(r"\bT(\d+) ", text)} >= set(range(1, 16))
