"""What every page has in common."""

import re
from pathlib import Path
from typing import Final

import pytest

from server.terminal.cli import app
from tests.docs.pages import LINK, PAGES, anchors, prose, table_rows
from tests.house.project import ROOT

SELLING: Final = re.compile(
    r"\b(?:blazing\w*|seamless\w*|powerful|effortless\w*|robust\w*|enterprise|cutting.edge|production.ready"
    r"|battle.tested|state.of.the.art|world.class|revolution\w*|leverag\w*|simply|awesome|fully.featured)\b",
    re.IGNORECASE,
)
BADGE: Final = re.compile(r"!\[[^\]]*\]\((?!(?:docs/)?pictures/)")  # a picture that is none of ours


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link to a file names one that is there, and its fragment a heading of that file."""
    lost: list[str] = []
    for link in LINK.findall(prose(page)):
        place, _, fragment = link.partition("#")
        if "://" in place:
            continue
        target = page.parent / place if place else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_sells_nothing(page: Path) -> None:
    """No page praises the program, and none carries a badge."""
    assert SELLING.findall(prose(page)) == []
    assert BADGE.findall(page.read_text()) == []


def test_the_readme_lists_every_command() -> None:
    """The table of commands has each command of the program, and no other."""
    told = {row[0].removeprefix("planwright ").split()[0] for row in table_rows(ROOT / "README.md", "Commands")}
    named = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert told == named | {group.name for group in app.registered_groups}
