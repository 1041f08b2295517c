"""Planwright on a connection pooler: PgBouncer as docs/deployment.md has it, in session mode."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier, Literal

from persistence.pools import LENT_MAX, POOL_SIZE
from persistence.queue import CONNECTIONS_MAX
from persistence.scope import Role
from tests.conftest import TEST_SECRET
from tests.deploy.proxies import missing
from tests.docs.pages import fences
from tests.house.project import ROOT
from tests.ports import reserved_port
from tests.server.terminal.command_line import CommandLine

PAGE: Final = ROOT / "docs/deployment.md"
LISTENERS: Final = 2  # that of the queue and that of news
START_SECONDS: Final = 20.0


@pytest.fixture
def pooled_dsn(server_dsn: str) -> Iterator[str]:
    """Give an administrator's way to an empty database, by a pooler that is set up as the page says."""
    name, password = f"planwright_pooled_{uuid4().hex[:8]}", uuid4().hex
    folder = Path(tempfile.mkdtemp(prefix="planwright-pooler-"))
    folder.chmod(0o755)
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(SQL("create database {}").format(Identifier(name)))
        admin.execute(SQL("create role {} superuser login password {}").format(Identifier(name), Literal(password)))
    (folder / "users.txt").write_text(f'"{name}" "{password}"\n')
    as_nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    try:
        with reserved_port() as port:
            (folder / "pgbouncer.ini").write_text(_configuration(server_dsn, name, port, folder))
            with subprocess.Popen(["pgbouncer", "-q", *as_nobody, folder / "pgbouncer.ini"]) as pooler:
                try:
                    _wait_until_it_listens(pooler, port)
                    yield make_conninfo("", host="127.0.0.1", port=port, dbname=name, user=name, password=password)
                finally:
                    pooler.kill()
    finally:
        shutil.rmtree(folder)
        with psycopg.connect(server_dsn, autocommit=True) as admin:
            admin.execute(SQL("drop database {} with (force)").format(Identifier(name)))
            admin.execute(SQL("drop role {}").format(Identifier(name)))


@pytest.mark.skipif(missing("pgbouncer"), reason="There is no pgbouncer here.")
def test_a_pooler_in_session_mode_serves_everything(pooled_dsn: str, tmp_path: Path) -> None:
    """Migrations, a planned run and the check-up all work by way of the pooler."""
    installation = CommandLine(
        {
            "PLANWRIGHT_DATABASE_URL": pooled_dsn,
            "PLANWRIGHT_SECRET": TEST_SECRET.root.decode(),
            "PLANWRIGHT_DATA_DIR": str(tmp_path / "data"),
        }
    )
    for command in ("migrate", "demo", "doctor"):
        done = installation.run(command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_number_of_connections_is_what_is_said() -> None:
    """The page says how many connections a process opens at most."""
    most = sum(POOL_SIZE.values()) + min(POOL_SIZE[Role.WORKER], LENT_MAX) + CONNECTIONS_MAX + LISTENERS
    assert f"at most {most} connections" in PAGE.read_text()


def _configuration(server_dsn: str, name: str, port: int, folder: Path) -> str:
    """Return the page's own lines, with the places of this test in them."""
    server = conninfo_to_dict(server_dsn)
    [said] = fences(PAGE, "ini")
    for words, here in (
        (
            "planwright = host=db.example.org port=5432",
            f"{name} = host={server['host']} port={server.get('port', 5432)}",
        ),
        ("auth_user=pooler", f"auth_user={name}"),
        ("listen_port = 6432", f"listen_port = {port}\nunix_socket_dir ="),
        ("/etc/pgbouncer/users.txt", f"{folder}/users.txt"),
    ):
        assert words in said
        said = said.replace(words, here)
    return said


def _wait_until_it_listens(pooler: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert pooler.poll() is None
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail("the pooler does not listen")
