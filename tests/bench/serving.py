"""A real server process for measurements: embedded Postgres in a folder of its own, on loopback."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from persistence.scope import Secret
from server.tokens import issue_token
from tests.greeting import address_of, token_of
from tests.roomy import ROOMY_SETTINGS

CPUCLOCK_SCHED: Final = 2  # Linux, include/linux/posix-timers_types.h
STOP_TIMEOUT_SECONDS: Final = 40
PLANWRIGHT: Final = (str(Path(sys.executable).parent / "planwright"),)


@dataclass(frozen=True)
class Served:
    """A server that answers, and a token of the person who asks."""

    process: subprocess.Popen[str]
    base_url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """Return what a request needs."""
        return {"Authorization": f"Bearer {self.token}"}

    def cpu_seconds(self) -> float:
        """Return the CPU time of the server's process so far, Postgres not counted."""
        return cpu_seconds(self.process.pid)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far, its children not counted, by the clock that Linux keeps for it.

    That clock counts nanoseconds, where `/proc` tells hundredths of a second: `clock_getcpuclockid(3)`.
    """
    return time.clock_gettime(~pid << 3 | CPUCLOCK_SCHED)


@contextmanager
def served(
    environment: Mapping[str, str],
    *,
    user: str | None = None,
    options: Sequence[str] = (),
    program: Sequence[str] = PLANWRIGHT,
) -> Generator[Served]:
    """Start `planwright serve` with these settings; `user` asks in place of the local one, in the demo workspace.

    `program` is what stands for `planwright`.
    """
    folder = Path(tempfile.mkdtemp(prefix="planwright-bench-"))
    folder.chmod(0o755)
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PLANWRIGHT_")}
    settings |= {
        "PLANWRIGHT_DATA_DIR": str(folder / "data"),
        "PLANWRIGHT_PORT": "0",
        "PLANWRIGHT_LOG_LEVEL": "warning",
        **ROOMY_SETTINGS,
        **environment,
    }
    try:
        if user is not None:
            subprocess.run([*program, "demo"], env=settings, capture_output=True, check=True)
        process = subprocess.Popen([*program, "serve", *options], env=settings, stdout=subprocess.PIPE, text=True)
        try:
            base_url, token = address_of(process), token_of(process)
            if user is not None:
                new = [*program, "token", "new", "--user", user]
                token = subprocess.run(new, env=settings, capture_output=True, text=True, check=True).stdout.split()[-1]
            yield Served(process, base_url, token)
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def people_of(dsn: str, secret: str, how_many: int) -> list[dict[str, str]]:
    """Sign people up at the server of that database and secret, and return what a request of each needs."""
    key = Secret(secret.encode()).token_key()
    with psycopg.connect(dsn, autocommit=True) as admin:
        made = [
            admin.execute("select planwright.sign_up(%s, 'UTC')", (f"person{place}@example.org",)).fetchone()
            for place in range(how_many)
        ]
    return [{"Authorization": f"Bearer {issue_token(key, row[0], 1)}"} for row in made if row is not None]
