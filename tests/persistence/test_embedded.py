"""The embedded server: real PostgreSQL, real processes, real signals."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from persistence import embedded
from persistence.binaries import Unreachable, closed_to, find_binaries
from persistence.cluster import ServerDidNotStart

NO_SYNC: Final = {"fsync": "off"}
DEADLINE_SECONDS: Final = 20
NOBODY: Final = 65534
DEBIAN_15: Final = Path("/usr/lib/postgresql/15/bin")
as_root: Final = pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")

CLIENT: Final = """
import pathlib, sys
from persistence import embedded
server = embedded.start(pathlib.Path(sys.argv[1]), settings={"fsync": "off"})
print(server.dsn, flush=True)
sys.stdin.readline()
"""
PLAIN_CLIENT: Final = CLIENT.replace(
    "server =", f"import os; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\nserver ="
)
FORKING_CLIENT: Final = """
import os, pathlib, sys
from persistence import embedded
server = embedded.start(pathlib.Path(sys.argv[1]), settings={"fsync": "off"})
if child := os.fork():
    os.waitpid(child, 0)
    print(server.dsn, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder() -> Generator[Path]:
    """Give a folder that every user can reach, which pytest's own is not when root runs it."""
    room = Path(tempfile.mkdtemp(prefix="pw"))
    room.chmod(0o755)
    yield room
    for left in room.rglob("postmaster.pid"):
        os.kill(postmaster(left.parent.parent), signal.SIGQUIT)
    shutil.rmtree(room)


def client(data: Path, script: str = CLIENT) -> subprocess.Popen[str]:
    """Start another process on the same folder; it prints its conninfo and leaves at a line of input."""
    return subprocess.Popen(
        [sys.executable, "-c", script, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def conninfo(process: subprocess.Popen[str]) -> str:
    """Wait until the process uses the server."""
    assert process.stdout is not None
    dsn = process.stdout.readline().strip()
    assert dsn
    return dsn


def leave(process: subprocess.Popen[str]) -> None:
    """Let the process end by itself; what it printed ends too: the server holds no pipe of its starter."""
    process.communicate("\n", timeout=DEADLINE_SECONDS)
    assert process.returncode == 0


def postmaster(data: Path) -> int:
    """Return the server's process id."""
    return int((data / "cluster" / "postmaster.pid").read_text().split()[0])


def answer(dsn: str, query: str) -> str:
    """Ask the server one thing."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def runs(data: Path) -> bool:
    """Whether the folder has a server."""
    return (data / "cluster" / "postmaster.pid").exists()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, or fail."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def execute(dsn: str, statement: str) -> None:
    """Run one statement and commit it."""
    with psycopg.connect(dsn) as connection:
        connection.execute(statement.encode())


def test_rows_outlive_a_restart(folder: Path) -> None:
    """What was committed is there after the last user left and the next one came."""
    with embedded.start(folder / "data", settings=NO_SYNC) as server:
        execute(server.dsn, "create table kept as select 7 as number")
    assert not runs(folder / "data")
    with embedded.start(folder / "data", settings=NO_SYNC) as server:
        assert answer(server.dsn, "select number from kept") == "7"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("show server_encoding", "UTF8", id="text is UTF-8"),
        pytest.param("show timezone", "UTC", id="times are UTC"),
        pytest.param("show fsync", "off", id="a setting of the caller counts"),
        pytest.param("select lower('ÉÜ')", "éü", id="letters beyond ASCII have a case"),
        pytest.param("show listen_addresses", "", id="no network"),
        pytest.param("show password_encryption", "scram-sha-256", id="passwords are scram"),
    ],
)
def test_the_server_is_set_up_alike_everywhere(served: str, query: str, expected: str) -> None:
    """A new cluster does not depend on the locale, time zone or network of its machine."""
    assert answer(served, query) == expected


@pytest.fixture(scope="module")
def served() -> Generator[str]:
    """Share one running server among tests that only ask."""
    with tempfile.TemporaryDirectory(prefix="pw") as room:
        Path(room).chmod(0o755)
        with embedded.start(Path(room) / "data", settings=NO_SYNC) as server:
            yield server.dsn


def test_nobody_enters_without_the_password(served: str) -> None:
    """A local user who can reach the socket still needs the password."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(make_conninfo(served, password="guess"))


def test_two_processes_share_a_server_and_the_last_one_stops_it(folder: Path) -> None:
    """Two first starts at once make one server; it runs for as long as one of the two does."""
    data = folder / "data"
    first, second = client(data), client(data)
    dsn = conninfo(first)
    assert conninfo(second) == dsn
    leave(first)
    assert answer(dsn, "select 1") == "1"
    leave(second)
    assert not runs(data)


def test_two_holds_of_one_process_count_as_two(folder: Path) -> None:
    """Closing one hold, even twice, does not take the server from the other."""
    with embedded.start(folder / "data", settings=NO_SYNC) as kept:
        closed = embedded.start(folder / "data")
        closed.close()
        closed.close()
        assert answer(kept.dsn, "select 1") == "1"
    assert not runs(folder / "data")


def test_a_forked_child_does_not_stop_its_parents_server(folder: Path) -> None:
    """The exit of a forked child leaves the server to the parent."""
    parent = client(folder / "data", FORKING_CLIENT)
    assert answer(conninfo(parent), "select 1") == "1"
    leave(parent)
    assert not runs(folder / "data")


def test_a_killed_client_leaves_the_server_to_the_next(folder: Path) -> None:
    """After kill -9 of the process that started the server, the next attaches to it and can stop it."""
    data = folder / "data"
    killed = client(data)
    execute(conninfo(killed), "create table kept as select 7 as number")
    before = postmaster(data)
    killed.kill()
    killed.communicate(timeout=DEADLINE_SECONDS)
    with embedded.start(data) as server:
        assert postmaster(data) == before
        assert answer(server.dsn, "select number from kept") == "7"
    assert not runs(data)


def test_a_killed_server_comes_back_with_every_committed_row(folder: Path) -> None:
    """After kill -9 of the server in the middle of writing, every acknowledged row is there."""
    data = folder / "data"
    with embedded.start(data) as server:
        execute(server.dsn, "create table written (number int)")
        acknowledged = write_until_killed(server.dsn, postmaster(data), kill_at=200)
        with embedded.start(data) as again:
            rows = int(answer(again.dsn, "select count(*) from written"))
            assert acknowledged <= rows <= acknowledged + 1
            assert acknowledged >= 200
    assert not runs(data)


def write_until_killed(dsn: str, server: int, kill_at: int) -> int:
    """Commit rows one by one, kill the server on the way, and return how many commits were acknowledged."""
    acknowledged = 0
    connection = psycopg.connect(dsn, autocommit=True)
    try:
        while True:
            connection.execute("insert into written values (%s)", (acknowledged,))
            acknowledged += 1
            if acknowledged == kill_at:
                os.kill(server, signal.SIGKILL)
    except psycopg.OperationalError:
        return acknowledged


def test_a_number_taken_by_another_program_does_not_prevent_a_start(folder: Path) -> None:
    """A pid file left by a killed server is not believed when its number has gone to something else."""
    data = folder / "data"
    embedded.start(data, settings=NO_SYNC).close()
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=NOBODY if os.geteuid() == 0 else None)
    try:
        stale = f"{stranger.pid}\n{data}/cluster\n1\n5432\n"
        (data / "cluster" / "postmaster.pid").write_text(stale)
        (data / "socket" / ".s.PGSQL.5432.lock").write_text(stale)
        with embedded.start(data, settings=NO_SYNC) as server:
            assert answer(server.dsn, "select 1") == "1"
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupt_of_the_terminal_does_not_reach_the_server(folder: Path) -> None:
    """The server has a session of its own, so Ctrl-C ends the program and not the database."""
    with embedded.start(folder / "data", settings=NO_SYNC):
        assert os.getsid(postmaster(folder / "data")) != os.getsid(0)


def test_the_password_is_for_the_owner_only(folder: Path) -> None:
    """Password, data, socket and locks are closed to other users."""
    data = folder / "data"
    with embedded.start(data, settings=NO_SYNC):
        modes = {path.name: path.stat().st_mode & 0o777 for path in data.iterdir()}
    assert modes == {
        "password": 0o600,
        "postgres.log": 0o600,
        "start.lock": 0o600,
        "users.lock": 0o600,
        "cluster": 0o700,
        "socket": 0o700,
    }


def test_a_long_path_is_served_on_loopback(folder: Path) -> None:
    """Where a socket's path would not fit, the server listens on 127.0.0.1, on the same port after a crash."""
    data = folder / ("d" * 100)
    with embedded.start(data, settings=NO_SYNC) as server, embedded.start(data) as other:
        assert other.dsn == server.dsn
        assert conninfo_to_dict(server.dsn)["host"] == "127.0.0.1"
        assert answer(server.dsn, "show listen_addresses") == "127.0.0.1"
        assert answer(server.dsn, "show unix_socket_directories") == ""
        os.kill(postmaster(data), signal.SIGKILL)
        with embedded.start(data, settings=NO_SYNC) as again:
            assert again.dsn == server.dsn


@pytest.mark.parametrize("name", ["it's $(here) ü", 'a, "b"'])
def test_a_path_may_have_any_letters(folder: Path, name: str) -> None:
    """No character of the folder's name reaches a shell, a settings list or a conninfo unquoted."""
    with embedded.start(folder / name, settings=NO_SYNC) as server:
        assert answer(server.dsn, "show data_directory") == str(folder / name / "cluster")


@as_root
def test_root_is_told_which_folder_is_closed(folder: Path) -> None:
    """Root gets the name of the closed folder and the remedy; the folder stays as it was."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Unreachable, match=rf"chmod o\+x '{closed}'") as refusal:
        embedded.start(closed / "below" / "data")
    assert refusal.value.closed == closed
    assert closed.stat().st_mode & 0o777 == 0o700
    assert list(closed.iterdir()) == []


@as_root
@pytest.mark.skipif(closed_to(NOBODY, find_binaries()) is not None, reason="this environment is closed to others")
def test_a_plain_user_owns_everything(folder: Path) -> None:
    """Without root the server runs as the user, in a folder for that user only."""
    folder.chmod(0o777)
    data = folder / "data"
    process = client(data, PLAIN_CLIENT)
    assert answer(conninfo(process), "select 1") == "1"
    assert data.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_uid for path in data.iterdir()} == {NOBODY}
    leave(process)


def test_a_setup_that_fails_says_why_and_leaves_no_half_cluster(folder: Path) -> None:
    """The error carries the program's own words, and the next start begins anew."""
    broken = folder / "bin"
    broken.mkdir()
    for program in ("initdb", "pg_ctl", "postgres"):
        (broken / program).write_text("#!/bin/sh\necho the disk is full\nexit 1\n")
        (broken / program).chmod(0o755)
    with pytest.raises(ServerDidNotStart, match="the disk is full"):
        embedded.start(folder / "data", binaries=broken)
    with embedded.start(folder / "data", settings=NO_SYNC) as server:
        assert answer(server.dsn, "select 1") == "1"


@pytest.mark.skipif(not DEBIAN_15.exists(), reason="the system has no PostgreSQL 15")
def test_the_systems_postgresql_15_serves_as_well(folder: Path) -> None:
    """An older server of the system is set up, restarted and stopped in the same way."""
    for _ in range(2):
        with embedded.start(folder / "data", settings=NO_SYNC, binaries=DEBIAN_15) as server:
            assert answer(server.dsn, "show server_version").startswith("15.")
            assert answer(server.dsn, "show timezone") == "UTC"
    assert not runs(folder / "data")


def test_data_lives_where_users_expect_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's data lies where nobody can reach it, a user's in the user's data folder."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert embedded.default_data_dir() == Path("/var/lib/planwright")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert embedded.default_data_dir() == Path("/data/planwright")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert embedded.default_data_dir() == Path.home() / ".local" / "share" / "planwright"
