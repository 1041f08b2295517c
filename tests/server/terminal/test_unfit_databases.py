"""A database that only follows another one, or whose roles may too much: nothing starts on it, and one line says so."""

import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from persistence import embedded
from persistence.errors import DatabaseUnavailable, OnReplica
from persistence.migrate import migrate
from persistence.pools import Database
from persistence.scope import DISPATCH, Role, login
from tests.conftest import TEST_SECRET
from tests.server.terminal.command_line import CommandLine

SAID = "The database is a read replica. Name its primary in PLANWRIGHT_DATABASE_URL."


@pytest.fixture(scope="module")
def replica_dsn() -> Generator[str]:
    """Give a migrated server that was told to follow another one from now on."""
    with tempfile.TemporaryDirectory(prefix="pw") as room:
        Path(room).chmod(0o755)
        data = Path(room) / "data"
        with embedded.start(data, settings={"fsync": "off"}) as server:
            migrate(server.dsn, TEST_SECRET)
        (data / "cluster" / "standby.signal").touch(0o644)
        with embedded.start(data, settings={"fsync": "off"}) as server:
            yield server.dsn


def test_a_replica_is_not_migrated(replica_dsn: str) -> None:
    """It is refused before anything is tried on it."""
    with pytest.raises(OnReplica, match="read replica"):
        migrate(replica_dsn, TEST_SECRET)


@pytest.mark.parametrize("role", [*Role, DISPATCH])
def test_no_login_of_ours_connects_to_a_replica(replica_dsn: str, role: str) -> None:
    """Every single connection asks for a primary, also one made hours after the start."""
    with pytest.raises(psycopg.OperationalError, match="hot standby"):
        psycopg.connect(login(replica_dsn, role, TEST_SECRET))


async def test_pools_on_a_replica_have_no_connection(replica_dsn: str) -> None:
    """Who opens them is told that there is no database to be had."""
    with pytest.raises(DatabaseUnavailable):
        await Database(replica_dsn, TEST_SECRET, checkout_timeout_seconds=0.5).open()


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "runs"])
def test_a_command_on_a_replica_ends_in_one_line(replica_dsn: str, tmp_path: Path, command: str) -> None:
    """It says what the database is, and what to do."""
    named = {"PLANWRIGHT_DATABASE_URL": replica_dsn, "PLANWRIGHT_DATA_DIR": str(tmp_path)}
    done = CommandLine(named).run(command)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == f"planwright: {SAID} `planwright doctor` says more.\n"


def test_the_doctor_knows_a_replica(replica_dsn: str, tmp_path: Path) -> None:
    """It is a failure with the same next step."""
    named = {"PLANWRIGHT_DATABASE_URL": replica_dsn, "PLANWRIGHT_DATA_DIR": str(tmp_path)}
    done = CommandLine(named).run("doctor")
    assert done.returncode == 1
    assert "failed  database: it is a read replica" in done.stdout


@pytest.fixture(scope="module")
def powerful_dsn() -> Generator[str]:
    """Give a migrated server on which the queue's login became a superuser."""
    with tempfile.TemporaryDirectory(prefix="pw") as room:
        Path(room).chmod(0o755)
        with embedded.start(Path(room) / "data", settings={"fsync": "off"}) as server:
            migrate(server.dsn, TEST_SECRET)
            with psycopg.connect(server.dsn, autocommit=True) as admin:
                admin.execute("alter role planwright_dispatch superuser")
            yield server.dsn


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_nothing_starts_with_a_superuser_among_our_logins(powerful_dsn: str, tmp_path: Path, command: str) -> None:
    """The one line names the role, and says what to take away from it."""
    named = {"PLANWRIGHT_DATABASE_URL": powerful_dsn, "PLANWRIGHT_DATA_DIR": str(tmp_path)}
    done = CommandLine(named).run(command)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (5, "", 1)
    assert done.stderr.startswith("planwright: The role planwright_dispatch may step around row security")
