"""What every file of the project has in common."""

import re
from typing import Final

import pytest

from tests.house.project import PACKAGES, ROOT, files_below

# Put together here, so that this file does not contain what it looks for.
MACHINE_FOLDERS: Final = ("home", "root", "Users", "work")
REGISTRY_HOSTS: Final = (("pypi", "org"), ("python" + "hosted", "org"), ("npm" + "js", "org"), ("npm" + "js", "com"))
OF_ONE_MACHINE: Final = re.compile(
    "|".join([rf"/(?:{'|'.join(MACHINE_FOLDERS)})/", *(re.escape(".".join(host)) for host in REGISTRY_HOSTS)])
)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"cd /{MACHINE_FOLDERS[0]}/x", id="a folder of one machine"),
        pytest.param("https://" + ".".join(REGISTRY_HOSTS[0]) + "/simple", id="a registry"),
    ],
)
def test_a_line_of_one_machine_is_recognised(line: str) -> None:
    """The search below finds what it is for."""
    assert OF_ONE_MACHINE.search(line)


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """No file names a folder of one machine or a package registry."""
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files_below(ROOT)
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1)
        if OF_ONE_MACHINE.search(line)
    ]
    assert found == []


def test_every_folder_of_tests_is_a_package() -> None:
    """Each folder with tests has an `__init__.py`, so that two of them may hold files of one name."""
    folders = {file.parent for file in files_below(ROOT / "tests") if file.suffix == ".py"}
    assert {folder for folder in folders if not (folder / "__init__.py").exists()} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed_and_exports_nothing(package: str) -> None:
    """A package carries `py.typed`, and no `__init__.py` in it imports anything."""
    assert (ROOT / package / "py.typed").exists()
    inits = [file for file in files_below(ROOT / package) if file.name == "__init__.py"]
    assert [file for file in inits if re.search(r"^\s*(from|import) ", file.read_text(), re.MULTILINE)] == []
