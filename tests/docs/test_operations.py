"""docs/operations.md against the server."""

import re
from pathlib import Path
from typing import Final

from server import counted, metrics, readiness, wiring
from server.logs import LINE_MAX_CHARS
from tests.docs.pages import table_rows
from tests.house.project import ROOT

PAGE: Final = ROOT / "docs" / "operations.md"
SENTENCE: Final = re.compile(r'return "(T?R?[^"]+\.)"')
NAME: Final = re.compile(r'_(?:gauge|by)\(now, "(\w+)"')


def source(module: object) -> str:
    """Return the text of a module."""
    return Path(str(getattr(module, "__file__", ""))).read_text()


def test_every_reason_not_to_be_ready_is_listed() -> None:
    """The table of health has each sentence that `/health/ready` may answer with, and no other."""
    said = {sentence for module in (readiness, wiring) for sentence in SENTENCE.findall(source(module))}
    assert {row[0] for row in table_rows(PAGE, "Health")} == said


def test_every_number_is_listed() -> None:
    """The table of metrics has each name that `/metrics` tells, with its labels."""
    rows = list(table_rows(PAGE, "Metrics"))
    listed = {name for row in rows for name in re.findall(r"planwright_\w+", row[0])}
    listed |= {"planwright_connections_busy", "planwright_connections_awaited"}  # their row says `_busy`, `_awaited`
    counted_here = {f"planwright_{name}" for name in NAME.findall(source(metrics))}
    for family in counted.COUNTED.collect():
        if family.name.startswith("planwright_"):
            counted_here.add(f"{family.name}_total" if family.type == "counter" else family.name)
    assert listed == counted_here


def test_the_length_of_a_line_is_what_is_said() -> None:
    """What the page says of a line is the constant."""
    assert f"a line has at most {LINE_MAX_CHARS:,} characters" in PAGE.read_text()
