"""The project's own files, as the tests of the house read them."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("graph", "nodes", "persistence", "server", "tools")
LEFT_BEHIND: Final = {"__pycache__", "build", "dist"}


def declared_requirements() -> list[Requirement]:
    """Return what pyproject.toml asks for at run time."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(line) for line in project["dependencies"]]


def requirements_of_extras() -> dict[str, list[Requirement]]:
    """Return what pyproject.toml asks for in each of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {name: [Requirement(line) for line in lines] for name, lines in project["optional-dependencies"].items()}


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file that belongs to the project: no caches, no environment, no history."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name == ".ci" or not (name.startswith(".") or name in LEFT_BEHIND)]
        yield from (Path(parent, name) for name in names)
