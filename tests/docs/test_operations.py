"""docs/operations.md against the server."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from persistence.binaries import find_binaries
from server import counted, metrics, readiness, wiring
from server.logs import LINE_MAX_CHARS
from tests.conftest import TEST_SECRET, empty_server
from tests.docs.pages import fences, table_rows
from tests.house.project import ROOT
from tests.server.terminal.command_line import CommandLine

PAGE: Final = ROOT / "docs" / "operations.md"
SENTENCE: Final = re.compile(r'return "(T?R?[^"]+\.)"')
NAME: Final = re.compile(r'_(?:gauge|by)\(now, "(\w+)"')


def source(module: object) -> str:
    """Return the text of a module."""
    return Path(str(getattr(module, "__file__", ""))).read_text()


def test_every_reason_not_to_be_ready_is_listed() -> None:
    """The table of health has each sentence that `/health/ready` may answer with, and no other."""
    said = {sentence for module in (readiness, wiring) for sentence in SENTENCE.findall(source(module))}
    assert {row[0] for row in table_rows(PAGE, "Health")} == said


def test_every_number_is_listed() -> None:
    """The table of metrics has each name that `/metrics` tells, with its labels."""
    rows = list(table_rows(PAGE, "Metrics"))
    listed = {name for row in rows for name in re.findall(r"planwright_\w+", row[0])}
    listed |= {"planwright_connections_busy", "planwright_connections_awaited"}  # their row says `_busy`, `_awaited`
    counted_here = {f"planwright_{name}" for name in NAME.findall(source(metrics))}
    for family in counted.COUNTED.collect():
        if family.name.startswith("planwright_"):
            counted_here.add(f"{family.name}_total" if family.type == "counter" else family.name)
    assert listed == counted_here


def test_the_length_of_a_line_is_what_is_said() -> None:
    """What the page says of a line is the constant."""
    assert f"a line has at most {LINE_MAX_CHARS:,} characters" in PAGE.read_text()


def test_a_backup_is_restored_on_another_server(tmp_path: Path) -> None:
    """The page's dump, restored as it says beside new roles, is the installation of before: its runs, and a new one."""
    [backup] = fences(PAGE, "sh")

    def on(dsn: str) -> CommandLine:
        named = {"PLANWRIGHT_DATABASE_URL": dsn, "PLANWRIGHT_SECRET": TEST_SECRET.root.decode()}
        return CommandLine({**named, "PLANWRIGHT_DATA_DIR": str(tmp_path / "data")})

    def typed(script: str, dsn: str) -> None:
        path = os.pathsep.join([str(find_binaries()), os.environ["PATH"]])
        environment = {"PATH": path, "PLANWRIGHT_DATABASE_URL": dsn}
        subprocess.run(["sh", "-ec", script], cwd=tmp_path, env=environment, check=True)

    with empty_server() as old:
        assert on(old).run("demo").returncode == 0
        runs = on(old).run("runs", "--user", "demo").stdout
        typed(backup, old)
    with empty_server() as new:
        assert on(new).run("migrate").returncode == 0
        with psycopg.connect(new, autocommit=True) as admin:
            admin.execute("create database restored")
        restored = make_conninfo(new, dbname="restored")
        typed('pg_restore --exit-on-error --dbname="$PLANWRIGHT_DATABASE_URL" planwright.dump', restored)
        assert on(restored).run("runs", "--user", "demo").stdout == runs != ""
        done = {command: on(restored).run(*command.split()) for command in ("doctor", "demo", "ask --user demo Hello")}
    assert {command: ran.returncode for command, ran in done.items()} == dict.fromkeys(done, 0), done
