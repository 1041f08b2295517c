"""The steps of docs/adding.md, done in a copy of the project, whose own tests then run there."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house.project import PACKAGES, ROOT

PAGE: Final = ROOT / "docs" / "adding.md"
FENCE: Final = re.compile(r"^(`{3,})(python|sql|diff)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
FILE: Final = re.compile(r"(?:#|--) (\S+/\S+\.(?:py|sql))\n")
COPIED: Final = (*PACKAGES, "tests", "docs", "clients")
TRIED: Final = (
    "tests/nodes/test_note_request.py",
    "tests/persistence/test_schema.py",
    "tests/docs/test_events.py",
    "tests/docs/test_architecture.py::test_the_picture_is_the_graph",
    "tests/server/client/test_typescript.py::test_the_types_are_those_of_the_events",
    "tests/server/test_prices.py",
)
PRICE: Final = "from server.prices import PRICES; print(PRICES.per_million_tokens['large-model'].prompt)"


def new_files() -> Iterator[tuple[str, str]]:
    """Yield the files that the page has written: where, and what is in them."""
    for _, _, body in FENCE.findall(PAGE.read_text()):
        if named := FILE.match(body):
            yield named[1], body


def changes() -> Iterator[tuple[str, str, str]]:
    """Yield what the page changes: in which file, from what, to what."""
    for _, language, body in FENCE.findall(PAGE.read_text()):
        file = ""
        for part in re.split(r"^@@\n|^(?=\w\S*/\S*\n)", body, flags=re.MULTILINE) if language == "diff" else []:
            if re.fullmatch(r"\w\S*/\S*\n", part):
                file = part.strip()
            elif part:
                lines = part.splitlines(keepends=True)
                yield (
                    file,
                    "".join(line[1:] for line in lines if line[0] in " -"),
                    "".join(line[1:] for line in lines if line[0] in " +"),
                )


def write(copy: Path, name: str, body: str) -> None:
    """Write a new file; a migration gets the number behind the last."""
    if "NNNN" in name:
        last = max(file.name for file in (copy / "persistence/migrations").glob("*.sql"))
        name = name.replace("NNNN", f"{int(last[:4]) + 1:04}")
    (copy / name).write_text(body.partition("\n")[2] if name.endswith(".py") else body)


def change(copy: Path, name: str, before: str, after: str) -> None:
    """Change a file at the one place that is meant; it ends where its own lines do."""
    whole = (copy / name).read_text()
    assert whole.count(before) == 1, f"{name} has this {whole.count(before)} times: {before}"
    (copy / name).write_text(whole.replace(before, after))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the project in which every step of the page is done."""
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, body in new_files():
        write(tmp_path, name, body)
    for name, before, after in changes():
        change(tmp_path, name, before, after)
    return tmp_path


def in_copy(copy: Path, *command: str) -> str:
    """Run a Python of the copy; give what it printed."""
    done = subprocess.run([sys.executable, *command], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_steps_make_a_project_that_works(copy: Path) -> None:
    """With the table, the event, the node and the model of the page, the tests that watch over such things pass."""
    assert [name for name, _ in new_files()] != []
    in_copy(copy, "-m", "tests.docs.event_types")
    assert "passed" in in_copy(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TRIED)
    assert in_copy(copy, "-c", PRICE).strip() == "2"
