"""The running program that the proxies stand in front of, and the podman that the others are made with."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from persistence.pools import Database
from tests.deploy.containers import Podman, podman_in
from tests.page.stage import Stage, stage_of


@pytest.fixture(scope="package")
async def stage(database: Database, admin_dsn: str) -> AsyncIterator[Stage]:
    """Give the program, with models that follow a script; gone before other tests."""
    async with stage_of(database, admin_dsn) as started:
        yield started


@pytest.fixture(scope="package")
def podman() -> Iterator[Podman]:
    """Give a podman in a folder of its own; its images and containers end with it."""
    with tempfile.TemporaryDirectory(prefix="planwright-podman-") as folder, podman_in(Path(folder)) as ready:
        yield ready
