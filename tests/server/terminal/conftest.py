"""An installation for the commands: the suite's database, a data folder of its own, and a look at the rows."""

from dataclasses import dataclass
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import TEST_SECRET
from tests.roomy import ROOMY_SETTINGS
from tests.server.terminal.command_line import CommandLine


@pytest.fixture(scope="session")
def installed(admin_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """Give the command line of an installation with the offline model."""
    folder = tmp_path_factory.mktemp("planwright")
    return CommandLine(
        {
            "PLANWRIGHT_DATABASE_URL": admin_dsn,
            "PLANWRIGHT_DATA_DIR": str(folder),
            "PLANWRIGHT_SECRET": TEST_SECRET.root.decode(),
            "PLANWRIGHT_TIME_ZONE": "Europe/Berlin",
            **ROOMY_SETTINGS,
        }
    )


@dataclass(frozen=True)
class Rows:
    """What stands in the database, read by its administrator."""

    dsn: str
    email: str

    def of(self, query: LiteralString, *values: object) -> list[tuple[object, ...]]:
        """Run a query in the program's schema."""
        with psycopg.connect(self.dsn) as admin:
            admin.execute("set search_path = planwright")
            return admin.execute(query, values).fetchall()

    def titles(self) -> list[object]:
        """Give the titles of the person's tasks."""
        query = "select title from tasks join users on users.id = user_id where email = %s order by title"
        return [title for (title,) in self.of(query, self.email)]

    def run(self, run_id: str) -> tuple[object, ...]:
        """Give a run's status, attempt and crashes."""
        [row] = self.of("select status, attempt, crashes from runs where id = %s", run_id)
        return row


@pytest.fixture
def rows(admin_dsn: str, email: str) -> Rows:
    """Give a look at the rows that commands in the person's name left."""
    return Rows(admin_dsn, email)


@pytest.fixture
def email() -> str:
    """Give the address of somebody who has not signed up."""
    return f"{uuid4().hex}@example.org"
