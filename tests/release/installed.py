"""The wheel in an environment of its own, and the program in it.

Nothing of the machine is in reach of it: no variable, no program but its own on the
path, so no node either; the suite's guard keeps it from leaving the machine.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.greeting import address_of

PATIENCE_SECONDS: Final = 90


@dataclass(frozen=True)
class Installed:
    """An environment with the release in it, and the empty folder that its commands run in."""

    environment: Path
    folder: Path

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run its Python to the end."""
        return self._run("python", *arguments)

    def planwright(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program to the end."""
        return self._run("planwright", *arguments)

    @contextmanager
    def serving(self) -> Generator[str]:
        """Serve, and give the address; the server ends with the block."""
        command = [self._program("planwright"), "serve", "--port", "0"]
        with subprocess.Popen(
            command, cwd=self.folder, env=self._variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as server:
            try:
                yield address_of(server)
            finally:
                server.terminate()
                server.communicate(timeout=PATIENCE_SECONDS)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program(program), *arguments],
            cwd=self.folder,
            env=self._variables(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def _program(self, name: str) -> str:
        return str(self.environment / "bin" / name)

    def _variables(self) -> dict[str, str]:
        guard = os.environ.get("PYTHONPATH", "")
        own = {"PATH": str(self.environment / "bin"), "HOME": str(self.folder), "PYTHONPATH": guard}
        return {**own, "PLANWRIGHT_DATA_DIR": str(self.folder / "data")}


def from_wheelhouse(wheel: Path, wheelhouse: Path, environment: Path) -> None:
    """Install the wheel and all that it asks for, out of a folder of wheels alone."""
    venv.create(environment, with_pip=True)
    command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    _succeed([environment / "bin/python", *command, "--find-links", wheelhouse, wheel])


def beside_dependencies(wheel: Path, environment: Path) -> None:
    """Install the wheel alone; its dependencies are those of this environment, the checkout is not among them."""
    venv.create(environment, with_pip=False)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")  # read for folders, not for `.pth`
    uv = Path(sys.executable).parent / "uv"
    _succeed([uv, "pip", "install", "--quiet", "--offline", "--no-index", "--no-deps", "--python", environment, wheel])


def _succeed(command: list[Path | str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
