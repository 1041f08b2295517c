"""What wheel and sdist hold, and what the wheel says of itself."""

import json
import sys
import tarfile
from pathlib import Path

import server
from tests.house.project import PACKAGES, ROOT, declared_requirements, files_below
from tests.release.artefacts import DIST_INFO, Artefacts, build, path_below_root

VENDOR = "server/static/vendor"


def test_the_wheel_holds_the_five_packages_and_nothing_else(artefacts: Artefacts) -> None:
    """All that a package reads at run time is in it: migrations, prompts, prices, the page; tests and notes are not."""
    expected = {str(file.relative_to(ROOT)) for package in PACKAGES for file in files_below(ROOT / package)}
    held = {name for name in artefacts.wheel_files() if DIST_INFO not in name}
    assert held == {name for name in expected if not name.endswith(".pyc")}
    assert {"persistence/migrations/0001_access.sql", "server/prices.json", "server/static/shell.html"} <= held
    assert {f"{package}/py.typed" for package in PACKAGES} <= held


def test_every_licence_is_in_the_wheel(artefacts: Artefacts) -> None:
    """Ours, and that of each vendored library, stand where installers look for licences."""
    libraries = json.loads((ROOT / VENDOR / "lock.json").read_text()).values()
    vendored = {f"{VENDOR}/{name}" for library in libraries for name in library["files"] if "licences/" in name}
    assert vendored
    licences = {name.partition("/licenses/")[2] for name in artefacts.wheel_files() if "/licenses/" in name}
    assert licences == {"LICENSE", *vendored}
    assert set(artefacts.metadata().license_files or ()) == licences


def test_the_wheel_says_what_it_is(artefacts: Artefacts) -> None:
    """Its metadata keep to the specification: name, version, Python, licence, dependencies, and the readme."""
    said = artefacts.metadata()
    assert (said.name, str(said.version), str(said.requires_python)) == ("planwright", server.__version__, ">=3.11")
    assert said.license_expression == "Apache-2.0"
    assert [
        asked for asked in said.requires_dist or () if asked.marker is None or "extra" not in str(asked.marker)
    ] == (sorted(declared_requirements(), key=str))
    assert said.description_content_type == "text/markdown"
    assert said.description == (ROOT / "README.md").read_text()
    [entries] = [held for name, held in artefacts.wheel_files().items() if name.endswith("entry_points.txt")]
    assert entries.decode().split() == ["[console_scripts]", "planwright", "=", "server.terminal.cli:main"]


def test_the_version_has_its_lines_in_the_changelog() -> None:
    """The first heading of the changelog is the version that is built."""
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0].split()[1] == server.__version__


def test_the_sdist_holds_the_project(artefacts: Artefacts) -> None:
    """All files of the checkout are in it, so that whoever has it can build, test and read."""
    with tarfile.open(artefacts.sdist) as held:
        names = {path_below_root(entry.name) for entry in held.getmembers() if entry.isfile()}
    files = {str(file.relative_to(ROOT)) for file in files_below(ROOT) if not file.name.startswith(".")}
    assert {name for name in names if not name.startswith(".gitignore")} == files | {"PKG-INFO"}


def test_what_is_built_knows_nothing_of_where(artefacts: Artefacts, tmp_path: Path) -> None:
    """The unpacked sdist builds the same files, byte for byte, and no path of the machine stands in them."""
    again = build(artefacts.unpacked(tmp_path / "unpacked"), tmp_path / "again")
    assert again.wheel.read_bytes() == artefacts.wheel.read_bytes()
    assert again.sdist.read_bytes() == artefacts.sdist.read_bytes()
    places = [place.encode() for place in (str(ROOT), sys.prefix, str(tmp_path))]
    told = [name for name, held in artefacts.wheel_files().items() if any(place in held for place in places)]
    assert told == []
