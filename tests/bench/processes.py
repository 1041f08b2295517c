"""What more processes bring on one machine: `python -m tests.bench.processes`.

The same crowd asks one process that serves and works, then a server without a worker
beside one worker, then beside two; model delay 0. On two cores Postgres, the model
and whoever asks take their part, so what a run costs each process in CPU says more
than how many there were a second. `--json FILE` keeps the figures, `--short` is a look.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from persistence import embedded
from tests.bench.limits import model_at
from tests.bench.peers.load import for_a_while
from tests.bench.serving import cpu_seconds, people_of, served
from tests.roomy import ROOMY_SETTINGS

WORKERS: Final = (None, 1, 2)  # beside the server; none: it works itself
PEOPLE: Final = 20
SECONDS: Final = 15.0
SECONDS_SHORT: Final = 4.0
WARM_UP_SECONDS: Final = 5.0  # every worker imports and connects
SECRET: Final = "the same for everything that is measured here"
STOP_TIMEOUT_SECONDS: Final = 40


@dataclass(frozen=True)
class Shape:
    """How many runs a second one shape of an installation did, and the CPU of a run in each of its processes."""

    workers: int | None
    runs_per_second: float
    server_cpu_ms: float
    worker_cpu_ms: Sequence[float]

    def row(self) -> str:
        """Return the figures as a line."""
        if self.workers is None:
            return f"one process: {self.runs_per_second:.1f} runs/s, {self.server_cpu_ms:.0f} ms of CPU a run"
        shares = " + ".join(f"{share:.0f}" for share in self.worker_cpu_ms)
        return (
            f"a server and {self.workers} worker(s): {self.runs_per_second:.1f} runs/s,"
            f" {self.server_cpu_ms:.0f} ms of CPU a run in the server, {shares} in workers"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--short", action="store_true", help="a few seconds each")
    arguments = parser.parse_args()
    seconds = SECONDS_SHORT if arguments.short else SECONDS
    folder = Path(tempfile.mkdtemp(prefix="planwright-bench-"))
    folder.chmod(0o755)
    try:
        with embedded.start(folder / "data", settings={"max_connections": "200"}) as postgres, model_at(0) as model:
            environment = {
                "PLANWRIGHT_DATABASE_URL": postgres.dsn,
                "PLANWRIGHT_SECRET": SECRET,
                "PLANWRIGHT_MODEL_BASE_URL": model,
                "PLANWRIGHT_MODEL_API_KEY": "none",
                "PLANWRIGHT_PLANNER_MODEL": "deep",
            }
            shapes = [shape(environment, folder, workers, seconds) for workers in WORKERS]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for each in shapes:
        print(each.row())
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in shapes], indent=1))


def shape(environment: Mapping[str, str], folder: Path, workers: int | None, seconds: float) -> Shape:
    """Start the processes, have the crowd ask for so long, and stop them."""
    options = [] if workers is None else ["--no-worker"]
    with served(environment, options=options) as server, ExitStack() as stack:
        pids = [stack.enter_context(_worker(environment, folder)) for _ in range(workers or 0)]
        people = people_of(environment["PLANWRIGHT_DATABASE_URL"], SECRET, PEOPLE)
        asyncio.run(for_a_while(server.base_url, people, WARM_UP_SECONDS))
        before, began = [cpu_seconds(pid) for pid in (server.process.pid, *pids)], time.perf_counter()
        per_second = asyncio.run(for_a_while(server.base_url, people, seconds))
        runs = per_second * (time.perf_counter() - began)
        after = [cpu_seconds(pid) for pid in (server.process.pid, *pids)]
        shares = [(late - early) / runs * 1000 for early, late in zip(before, after, strict=True)]
        return Shape(workers, per_second, shares[0], shares[1:])


@contextmanager
def _worker(environment: Mapping[str, str], folder: Path) -> Generator[int]:
    """Start `planwright worker`; give its process."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PLANWRIGHT_")}
    settings |= {"PLANWRIGHT_DATA_DIR": str(folder), "PLANWRIGHT_LOG_LEVEL": "warning", **ROOMY_SETTINGS, **environment}
    command = [str(Path(sys.executable).parent / "planwright"), "worker"]
    process = subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT_SECONDS)


if __name__ == "__main__":
    main()
