"""Podman with images and containers of the tests' own, for what docs/deployment.md has people type.

`make test-deployment` names what they begin as: a file system of Debian (`make_base.sh`)
and a folder with the wheels of the lock. The tests fetch nothing.
"""

import os
import shlex
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.house.project import ROOT

BASE: Final = os.environ.get("DEPLOYMENT_BASE", "")
WHEELHOUSE: Final = ROOT / os.environ.get("RELEASE_WHEELHOUSE", "build/wheelhouse")
BASE_IMAGE: Final = "docker.io/library/python:3.11-slim"  # what deploy/Containerfile names; a test compares them
# crun refuses some layouts of control groups, there may be no systemd, and not every root may raise a limit.
SETTINGS: Final = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
volumes = ["{wheels}:/wheels:ro"]
"""
STORAGE: Final = """\
[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
# What systemd needs to be the first process of a container, and a unit to be walled in.
AS_A_MACHINE: Final = (
    *("--systemd", "always", "--cap-add", "SYS_ADMIN"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "unmask=all"),
)
PATIENCE_SECONDS: Final = 90.0

needs_containers = pytest.mark.skipif(not BASE, reason="make test-deployment makes the containers’ base")


@dataclass(frozen=True)
class Podman:
    """Commands in which `podman` has nothing but what the tests gave it."""

    folder: Path

    def types(self, script: str, where: Path = ROOT) -> str:
        """Run a shell's commands one after the other; give what they printed."""
        return self.runs("sh", "-ec", script, where=where)

    def runs(self, *command: str, where: Path = ROOT) -> str:
        """Run a command; give what it printed.

        Raises:
            AssertionError: it failed; with what it said.
        """
        done = subprocess.run(command, cwd=where, env=self._variables(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def started(self, command: str, where: Path) -> Generator[subprocess.Popen[str]]:
        """Start a command that lasts; it ends with the block."""
        with subprocess.Popen(
            shlex.split(command), cwd=where, env=self._variables(), stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def machine(self, *options: str) -> Generator["Machine"]:
        """Boot a machine of Debian with a systemd of its own; it is gone with the block."""
        name = self.runs("podman", "run", "--detach", *AS_A_MACHINE, *options, BASE_IMAGE, "/sbin/init").strip()
        machine = Machine(self, name)
        try:
            machine.waits_until("systemctl is-system-running --wait")
            yield machine
        finally:
            self.runs("podman", "rm", "--force", "--time", "0", "--volumes", name)

    def _variables(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }


@dataclass(frozen=True)
class Machine:
    """A container that is run by a systemd, with the administrator at its shell."""

    podman: Podman
    name: str

    def types(self, script: str, where: str = "/") -> str:
        """Run a shell's commands one after the other; give what they printed."""
        return self.podman.runs("podman", "exec", "--workdir", where, self.name, "sh", "-ec", script)

    def writes(self, file: str, content: str) -> None:
        """Write a file that only root reads."""
        self.types(f"umask 077; mkdir -p $(dirname {file}); printf %s {shlex.quote(content)} >{file}")

    def waits_until(self, condition: str) -> None:
        """Wait until a command succeeds."""
        again = f"until {condition} >/dev/null 2>&1; do :; done"
        self.types(f"timeout {PATIENCE_SECONDS:g} sh -c {shlex.quote(again)}")

    def shows(self, unit: str, what: str) -> str:
        """Return one property of a unit."""
        return self.types(f"systemctl show --value --property {what} {unit}").strip()


@contextmanager
def podman_in(folder: Path) -> Generator[Podman]:
    """Give a podman that knows the base under the name that deploy/Containerfile has for it, and nothing else."""
    (folder / "containers.conf").write_text(SETTINGS.format(wheels=WHEELHOUSE))
    (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
    podman = Podman(folder)
    try:
        podman.runs("podman", "import", BASE, BASE_IMAGE)
        yield podman
    finally:
        podman.runs("podman", "system", "reset", "--force")
