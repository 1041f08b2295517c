"""The program as a person starts it: real processes, with nothing of this machine's environment in them."""

import os
import pty
import select
import signal
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


@dataclass
class Terminal:
    """A command and the terminal that it runs at."""

    process: subprocess.Popen[str]
    screen: int
    shown: str = ""

    def shows(self, words: str) -> None:
        """Wait until some words are shown, behind whatever was waited for before."""
        while words not in self.shown:
            readable, _, _ = select.select([self.screen], [], [], PATIENCE_SECONDS)
            assert readable, f"“{words}” is not shown, but: {self.shown}"
            self.shown += os.read(self.screen, 65536).decode(errors="replace")
        self.shown = self.shown.partition(words)[2]

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.screen, f"{line}\n".encode())

    def press_ctrl_c(self) -> None:
        """Send what Ctrl-C sends."""
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> tuple[int, str]:
        """Wait for the end; give the exit code and what stood on stdout."""
        assert self.process.stdout is not None
        said = self.process.stdout.read()
        return self.process.wait(PATIENCE_SECONDS), said


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
    def at_terminal(self, *arguments: str) -> Generator["Terminal"]:
        """Start a command at a terminal of its own, with its stdout in a pipe; it ends with the block."""
        mine, its = pty.openpty()
        with subprocess.Popen(
            [*PLANWRIGHT, *arguments],
            env={**self._whole_environment(), "TERM": "xterm", "COLUMNS": "100"},
            stdin=its,
            stdout=subprocess.PIPE,
            stderr=its,
            text=True,
        ) as process:
            os.close(its)
            try:
                yield Terminal(process, mine)
            finally:
                process.kill()
                os.close(mine)

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


def first_line(process: subprocess.Popen[str]) -> str:
    """Wait for the first line on stdout."""
    assert process.stdout is not None
    return process.stdout.readline()
