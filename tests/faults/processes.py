"""Processes of the program, forked by the zygote, that a test can kill, stop and wake."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.house.project import ROOT

INHERITED: Final = ("HOME", "LANG", "PATH", "PYTHONPATH", "PYTHONPYCACHEPREFIX")


@dataclass(frozen=True)
class Process:
    """A process of the program; `ended` becomes its exit code, negative for a signal's number."""

    pid: int
    log: Path
    ended: asyncio.Future[int] = field(compare=False, repr=False)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        with suppress(ProcessLookupError):  # it ended, and we were not told yet
            if not self.ended.done():
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut does: nothing of it runs after this line."""
        self.send(signal.SIGKILL)

    def pause(self) -> None:
        """Let it do nothing until `wake`, and not know that it did nothing."""
        self.send(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self.send(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to stop, as an orchestrator does."""
        self.send(signal.SIGTERM)


class Zygote:
    """Starts processes of the program in milliseconds: `tests/faults/zygote.py`."""

    def __init__(self, program: asyncio.subprocess.Process) -> None:
        self._program: Final = program
        self._born: Final[asyncio.Queue[tuple[int, asyncio.Future[int]]]] = asyncio.Queue()
        self._living: Final[dict[int, asyncio.Future[int]]] = {}
        self._asking: Final = asyncio.Lock()
        self._reading: Final = asyncio.create_task(self._read())

    @classmethod
    async def started(cls) -> "Zygote":
        """Start it and wait until it has imported the program."""
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.zygote",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=inherited(),
            cwd=ROOT,
        )
        assert program.stdout is not None, "the output is a pipe"
        assert await program.stdout.readline() == b"ready\n", "the program cannot be imported"
        return cls(program)

    async def fork(self, arguments: list[str], environment: Mapping[str, str], folder: Path, log: Path) -> Process:
        """Start `planwright` with these arguments and nothing but this environment."""
        wanted = {
            "arguments": arguments,
            "environment": {**inherited(), **environment},
            "folder": str(folder),
            "log": str(log),
        }
        assert self._program.stdin is not None, "the input is a pipe"
        async with self._asking:
            self._program.stdin.write(json.dumps(wanted).encode() + b"\n")
            pid, ended = await self._born.get()
        return Process(pid, log, ended)

    async def close(self) -> None:
        """End it and every process that it started."""
        assert self._program.stdin is not None, "the input is a pipe"
        self._program.stdin.close()
        await self._program.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._program.stdout is not None, "the output is a pipe"
        while line := (await self._program.stdout.readline()).decode().split():
            if line[0] == "started":
                self._living[int(line[1])] = ended = asyncio.get_running_loop().create_future()
                self._born.put_nowait((int(line[1]), ended))
            else:
                self._living.pop(int(line[1])).set_result(int(line[2]))


def inherited() -> dict[str, str]:
    """Return what of our environment a program needs in order to run at all."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
