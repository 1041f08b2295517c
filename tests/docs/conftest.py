"""A newcomer's installation: a fresh data folder, the offline model, a server on it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess, run
from sysconfig import get_path

import pytest

from tests.greeting import address_of
from tests.house.project import ROOT
from tests.server.terminal.command_line import PATIENCE_SECONDS, CommandLine

ADDRESS = "http://127.0.0.1:8000"  # where the pages say that the server is


@dataclass(frozen=True)
class Newcomer:
    """Somebody who follows a page from its top to its end."""

    environment: dict[str, str]
    address: str

    def types(self, commands: list[str]) -> CompletedProcess[str]:
        """Run commands one after the other in one shell; the first that fails is the last line of stderr."""
        script = "\n".join(["set -ex", *commands]).replace(".venv/bin/planwright", "planwright")
        return run(
            ["sh", "-c", script.replace("make demo", "planwright demo").replace(ADDRESS, self.address)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )


@pytest.fixture(scope="session")
def newcomer() -> Iterator[Newcomer]:
    """Give an installation in an empty folder, with a server that prints its address."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-docs-"))
    folder.chmod(0o755)
    environment = {"PLANWRIGHT_DATA_DIR": str(folder / "data"), "PLANWRIGHT_TIME_ZONE": "Europe/Berlin"}
    try:
        with CommandLine(environment).started("serve", "--port", "0") as server:
            address = address_of(server)
            path = os.pathsep.join([get_path("scripts"), os.environ["PATH"]])
            yield Newcomer({**environment, "PATH": path, "HOME": str(folder)}, address)
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
