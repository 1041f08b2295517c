"""A worker process of `tests.bench.dispatch`, seen from outside."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from tests.bench.dispatch_worker import DSN_VARIABLE

Event = tuple[str, str]


class Worker:
    """A running worker and what its handlers have told so far."""

    def __init__(self, process: Process) -> None:
        self.process: Final = process
        self.log = ""
        self._told: Final = dict[Event, float]()
        self._news: Final = asyncio.Condition()

    async def read(self) -> None:
        """Take down what the handlers tell, until the process ends."""
        assert self.process.stdout is not None, "the output is a pipe"
        async for line in self.process.stdout:
            event, what, at = line.decode().split()
            async with self._news:
                self._told[event, what] = float(at)
                self._news.notify_all()

    async def read_log(self) -> None:
        """Take down what it logs."""
        assert self.process.stderr is not None, "the log is a pipe"
        async for line in self.process.stderr:
            self.log += line.decode()

    async def told(self, event: str, what: str, *, within: float) -> float | None:
        """Return when a handler told this, by `time.monotonic`; None when it did not within so many seconds."""
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: (event, what) in self._told)
        except TimeoutError:
            return None
        return self._told[event, what]

    def kill(self) -> float:
        """End the process without warning; return when."""
        with suppress(ProcessLookupError):  # asked of the kernel: asyncio would reap the process behind its own back
            os.kill(self.process.pid, signal.SIGKILL)
        return time.monotonic()


@asynccontextmanager
async def working(engine: str, dsn: str, *lanes: str, mended: bool = True) -> AsyncGenerator[Worker]:
    """Start a worker on these lanes, and end it."""
    command = ["-m", "tests.bench.dispatch_worker", engine, *lanes, *(["--mended"] if mended else [])]
    environment = {**os.environ, DSN_VARIABLE: dsn}
    process = await asyncio.create_subprocess_exec(sys.executable, *command, env=environment, stdout=PIPE, stderr=PIPE)
    worker = Worker(process)
    reading = [asyncio.create_task(worker.read()), asyncio.create_task(worker.read_log())]
    try:
        yield worker
    finally:
        worker.kill()
        await asyncio.gather(*reading)
        await process.wait()
