"""The program as a person starts it: real processes, with nothing of this machine's environment in them."""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

PLANWRIGHT: Final = (sys.executable, "-m", "server.terminal.cli")
INHERITED: Final = (
    "HOME",
    "LANG",
    "PATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "SYSTEMROOT",
)
PATIENCE_SECONDS: Final = 90.0  # for a process on a busy machine; the tests wait for lines, not for time


@dataclass(frozen=True)
class CommandLine:
    """An installation, as its environment variables name it."""

    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def given(self, **more: str) -> "CommandLine":
        """Return the same installation with more variables."""
        return CommandLine({**self.environment, **more})

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*PLANWRIGHT, *arguments],
            env=self._whole_environment(),
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    @contextmanager
    def started(self, *arguments: str) -> Generator[subprocess.Popen[str]]:
        """Start a command and have it end with the block."""
        with subprocess.Popen(
            [*PLANWRIGHT, *arguments],
            env=self._whole_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _whole_environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {**kept, **self.environment}
