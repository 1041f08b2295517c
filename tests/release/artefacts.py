"""Wheel and sdist, built as a release is: by the locked build tool, without network."""

import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from packaging.metadata import Metadata

DIST_INFO = ".dist-info"


@dataclass(frozen=True)
class Artefacts:
    """The two files of a release."""

    wheel: Path
    sdist: Path

    def wheel_files(self) -> Mapping[str, bytes]:
        """Return what the wheel holds, by its path."""
        with ZipFile(self.wheel) as held:
            return {name: held.read(name) for name in held.namelist()}

    def metadata(self) -> Metadata:
        """Return what the wheel says of itself.

        Raises:
            ExceptionGroup: something in it is not as the specification has it.
        """
        [raw] = [held for name, held in self.wheel_files().items() if name.endswith(f"{DIST_INFO}/METADATA")]
        return Metadata.from_email(raw, validate=True)

    def unpacked(self, folder: Path) -> Path:
        """Unpack the sdist below a folder; give its own."""
        with tarfile.open(self.sdist) as held:
            held.extractall(folder, filter="data")
        [own] = folder.iterdir()
        return own


def build(checkout: Path, folder: Path) -> Artefacts:
    """Build both from a checkout, or from an unpacked sdist."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    built = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Artefacts(wheel, sdist)


def path_below_root(name: str) -> str:
    """Return a path of the sdist without the folder that everything in it lies in."""
    return str(PurePosixPath(*PurePosixPath(name).parts[1:]))
