"""One build and one installation for all tests of the release.

`make release-check` sets RELEASE_WHEELHOUSE: the files then stay in `dist`, and all
that they need comes out of that folder of wheels. In short form the dependencies are
those of the environment that the tests run in.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.project import ROOT
from tests.release.artefacts import Artefacts, build
from tests.release.installed import Installed, beside_dependencies, from_wheelhouse


@pytest.fixture(scope="session")
def wheelhouse() -> Path | None:
    """Give the folder of wheels, if there is one."""
    named = os.environ.get("RELEASE_WHEELHOUSE")
    return ROOT / named if named else None


@pytest.fixture(scope="session")
def artefacts(wheelhouse: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Artefacts:
    """Build wheel and sdist."""
    if wheelhouse is None:
        return build(ROOT, tmp_path_factory.mktemp("dist"))
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    return build(ROOT, ROOT / "dist")


@pytest.fixture(scope="session")
def installed(artefacts: Artefacts, wheelhouse: Path | None) -> Iterator[Installed]:
    """Install the wheel; the folder can be entered by the user that Postgres runs as."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-release-"))
    folder.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    if wheelhouse is None:
        beside_dependencies(artefacts.wheel, folder / "environment")
    else:
        from_wheelhouse(artefacts.wheel, wheelhouse, folder / "environment")
    yield Installed(folder / "environment", home)
    shutil.rmtree(folder)
