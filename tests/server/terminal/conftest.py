"""An installation for the commands: the suite's database, and a data folder of its own."""

from uuid import uuid4

import pytest

from tests.conftest import TEST_SECRET
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
        }
    )


@pytest.fixture
def email() -> str:
    """Give the address of somebody who has not signed up."""
    return f"{uuid4().hex}@example.org"
