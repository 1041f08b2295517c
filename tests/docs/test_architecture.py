"""docs/architecture.md against the code."""

import re
from pathlib import Path
from typing import Final

import pytest

from graph.build import build
from tests.docs.pages import PAGES, fences, table_rows
from tests.house.project import PACKAGES, ROOT

PAGE: Final = ROOT / "docs" / "architecture.md"
EDGE: Final = re.compile(r"(\w+) *(-->|-\.(?: [\w ]+ \.)?->) *(\w+)")
QUESTIONS: Final = 10
FILE: Final = re.compile(rf"`((?:{'|'.join(PACKAGES)}|tests|docs|notebooks)/[\w./-]+)`")


def edges(mermaid: str) -> set[tuple[str, str, bool]]:
    """Return the edges of a Mermaid graph: from, to, and whether it is dashed."""
    return {(source.strip("_"), target.strip("_"), "." in arrow) for source, arrow, target in EDGE.findall(mermaid)}


def test_the_picture_is_the_graph() -> None:
    """The page's picture has exactly the edges of the compiled graph, the choices dashed."""
    [drawn] = fences(PAGE, "mermaid")
    compiled = edges(build().get_graph().draw_mermaid())
    assert len(compiled) == len(build().get_graph().edges)
    assert edges(drawn) == compiled


def test_every_question_is_answered_by_a_file() -> None:
    """Each of the ten questions is answered by naming files."""
    answers = [row[1] for row in table_rows(PAGE, "Ten questions")]
    assert len(answers) == QUESTIONS
    assert [answer for answer in answers if not re.search(r"\w/\w", answer)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_file_exists(page: Path) -> None:
    """A page that names a file of the project names one that is there."""
    assert [name for name in FILE.findall(page.read_text()) if not (ROOT / name).exists()] == []
