"""docs/deployment.md against the program, and on a Postgres whose administrator is no superuser."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import server
from persistence import embedded
from server.doctor.checks import POSTGRES_FLOORS
from server.tail import HEARTBEAT_SECONDS
from server.tokens import LEEWAY_SECONDS
from server.wiring import DRAIN_SECONDS
from tests.conftest import TEST_SECRET
from tests.docs.pages import fences
from tests.house.project import ROOT
from tests.server.terminal.command_line import CommandLine

PAGE: Final = ROOT / "docs" / "deployment.md"


@pytest.fixture
def managed_dsn() -> Iterator[str]:
    """Give the login and the database that the page has made, on a server where nothing else was."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-managed-"))
    folder.chmod(0o755)
    [said] = fences(PAGE, "sql")
    try:
        with embedded.start(folder / "data", settings={"fsync": "off"}) as started:
            with psycopg.connect(started.dsn, autocommit=True) as admin:
                for statement in said.replace("'…'", "'a password'").split(";\n"):
                    if statement.strip():
                        admin.execute(statement.encode())
            yield make_conninfo(started.dsn, user="planwright_admin", password="a password", dbname="planwright")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_login_that_is_no_superuser_is_enough(managed_dsn: str, tmp_path: Path) -> None:
    """With the rights that a managed service gives, everything works, and the doctor names what it leaves open."""
    installation = CommandLine(
        {
            "PLANWRIGHT_DATABASE_URL": managed_dsn,
            "PLANWRIGHT_SECRET": TEST_SECRET.root.decode(),
            "PLANWRIGHT_DATA_DIR": str(tmp_path / "data"),
        }
    )
    ran = {command: installation.run(command) for command in ("migrate", "demo", "doctor")}
    assert {command: done.returncode for command, done in ran.items()} == dict.fromkeys(ran, 0), ran
    assert re.search(r"^note +rights of everybody", ran["doctor"].stdout, re.MULTILINE)


def test_the_numbers_are_those_of_the_program() -> None:
    """Versions and times on the page are the constants."""
    said = " ".join(PAGE.read_text().split())
    major, oldest = min(POSTGRES_FLOORS.items())
    assert f"{major}.{oldest % 10_000} or newer, a primary" in said
    assert f"within {LEEWAY_SECONDS} seconds of everybody else’s" in said
    assert f"the {HEARTBEAT_SECONDS:g} seconds for which a stream may be silent" in said
    assert f"runs at work get {DRAIN_SECONDS:g} seconds" in said
    assert f"planwright-{server.__version__}-py3-none-any.whl" in said
