"""The pages that people read, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.house.project import ROOT

PAGES: Final = (ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")))
FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK: Final = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
COMMAND: Final = re.compile(r"^\$ (.*(?:(?<=\\)\n.*)*)", re.MULTILINE)


def fences(page: Path, language: str) -> list[str]:
    """Return the contents of a page's code blocks of one language."""
    return [body for named, body in FENCE.findall(page.read_text()) if named == language]


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return FENCE.sub("", page.read_text())


def commands(page: Path) -> list[str]:
    """Return what a page tells people to type: the lines of its console blocks that begin with `$`."""
    return [command for block in fences(page, "console") for command in COMMAND.findall(block)]


def table_rows(page: Path, heading: str) -> Iterator[list[str]]:
    """Yield the cells of the table below a heading, row by row, without its head."""
    _, _, below = page.read_text().partition(f"# {heading}\n")
    lines = [line for line in below.split("\n#", 1)[0].splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def anchors(page: Path) -> set[str]:
    """Return the fragments by which a page's headings are linked to."""
    return {anchor(heading) for heading in HEADING.findall(prose(page))}


def anchor(heading: str) -> str:
    """Return the fragment that leads to a heading, by GitHub’s rule."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
