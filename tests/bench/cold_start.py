"""How long one waits at first: `python -m tests.bench.cold_start`.

The import of the server in a fresh interpreter, its bytecode compiled, then
`planwright ask` with the database running, to the first event that it prints. Medians
of several starts, each with its CPU time, which a busy machine moves less.
`--json FILE` keeps the figures.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.bench.serving import cpu_seconds, served

STARTS: Final = 10
IMPORTED: Final = ("server.app", "server.terminal.cli", "server.engine")


@dataclass(frozen=True)
class Start:
    """What one start took: seconds by the clock, and of CPU."""

    seconds: float
    cpu_seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    arguments = parser.parse_args()
    starts = {f"import of {module}": [imported(module) for _ in range(STARTS)] for module in IMPORTED}
    folder = Path(tempfile.mkdtemp(prefix="planwright-bench-"))
    folder.chmod(0o755)
    try:
        own = {"PLANWRIGHT_DATA_DIR": str(folder / "data")}
        with served(own):
            starts["planwright ask to its first event"] = [asked(own) for _ in range(STARTS)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for what, each in starts.items():
        print(row(what, each))
    if arguments.json:
        kept = {what: [asdict(start) for start in each] for what, each in starts.items()}
        arguments.json.write_text(json.dumps(kept, indent=1))


def imported(module: str) -> Start:
    """Import a module in an interpreter of its own."""
    return _until(subprocess.Popen([sys.executable, "-c", f"import {module}; print()"], stdout=subprocess.PIPE))


def asked(environment: Mapping[str, str]) -> Start:
    """Ask in a process of its own, and stop it once it has printed something."""
    command = [str(Path(sys.executable).parent / "planwright"), "ask", "--json", "What is on my mind?"]
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PLANWRIGHT_")}
    return _until(subprocess.Popen(command, stdout=subprocess.PIPE, env={**settings, **environment}))


def row(what: str, starts: Sequence[Start]) -> str:
    """Return a figure as a line."""
    seconds = statistics.median(start.seconds for start in starts)
    cpu = statistics.median(start.cpu_seconds for start in starts)
    return f"{what}: {seconds:.2f} s, {cpu:.2f} s of CPU"


def _until(process: subprocess.Popen[bytes]) -> Start:
    """Wait for the first line of a process that just began, and then for its end."""
    began = time.perf_counter()
    assert process.stdout is not None, "the output is a pipe"
    assert process.stdout.readline(), "it prints something"
    took = Start(time.perf_counter() - began, cpu_seconds(process.pid))
    process.communicate()
    return took


if __name__ == "__main__":
    main()
