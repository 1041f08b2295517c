"""The image of deploy/Containerfile, built and run by the commands of docs/deployment.md."""

from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.deploy.containers import BASE_IMAGE, Podman, needs_containers
from tests.deploy.proxies import DEPLOY
from tests.docs.pages import fences
from tests.docs.test_deployment import PAGE
from tests.ports import reserved_port
from tests.server.terminal.command_line import first_line

pytestmark = [needs_containers, pytest.mark.timeout(600)]

BUILD, RUN = fences(PAGE, "sh")[2].splitlines()
SETTINGS: Final = """\
PLANWRIGHT_SECRET=a secret that nobody else on this machine knows
PLANWRIGHT_JWT_SECRET=a key for bearer tokens that nobody else knows
"""


def test_the_base_is_the_one_that_is_named() -> None:
    """What the tests build on stands in for the image that the file names."""
    assert f"ARG BASE={BASE_IMAGE}\n" in (DEPLOY / "Containerfile").read_text()


def test_the_image_is_built_serves_and_ends_in_peace(podman: Podman, tmp_path: Path) -> None:
    """Built from the checkout, it serves as no root, is healthy by its own check, and ends when it is told to."""
    podman.types(BUILD)
    (tmp_path / "planwright.env").write_text(SETTINGS)
    with (
        reserved_port() as port,
        podman.started(RUN.replace("127.0.0.1:8000:", f"127.0.0.1:{port}:"), tmp_path) as running,
    ):
        assert "listens on http://0.0.0.0:8000" in first_line(running)
        name = podman.types("podman ps --quiet").strip()
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready").json() == {"status": "ready"}
        podman.types(f"podman healthcheck run {name}")
        assert podman.types(f"podman exec {name} id --user") == "10001\n"
        podman.types(f"podman exec {name} test -e cluster/postmaster.pid")
        podman.types(f"podman stop {name}")
        assert running.wait() == 0
