"""What a complex run costs: `python -m tests.bench.complex_runs`.

A model server on loopback answers at once: 12 model calls a run (the plan, five
executors of two calls and one tool each, the answer of 50 tokens). The figure is
the CPU of the server's process, everything on; Postgres is another process.
"""

import json
import statistics
import subprocess
import sys
import time
from typing import Final

import httpx

from tests.bench.serving import Served, served

RUNS: Final = 20
WARM_UP: Final = 3
REQUEST: Final = {"message": "Help me organize my project tasks for next week"}


def main() -> None:
    """Run one complex request after the other and print the medians."""
    command = [sys.executable, "-m", "tests.scripted_model"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as model:
        try:
            assert model.stdout is not None, "the output is a pipe"
            models = {
                "PLANWRIGHT_MODEL_BASE_URL": model.stdout.readline().strip(),
                "PLANWRIGHT_MODEL_API_KEY": "none",
                "PLANWRIGHT_PLANNER_MODEL": "deep",
            }
            with served(models) as server:
                measure(server)
        finally:
            model.terminate()
            model.communicate()


def measure(server: Served) -> None:
    """Print CPU, first event and total of complex runs."""
    with httpx.Client(base_url=server.base_url, headers=server.headers, timeout=60) as client:
        for _ in range(WARM_UP):
            stream(client)
        before = server.cpu_seconds()
        timings = [stream(client) for _ in range(RUNS)]
        cpu_ms = (server.cpu_seconds() - before) / RUNS * 1000
    first = statistics.median(first for first, _ in timings) * 1000
    total = statistics.median(total for _, total in timings) * 1000
    print(
        f"complex run, model delay 0, {RUNS} runs: CPU {cpu_ms:.0f} ms a run,"
        f" first event {first:.0f} ms, total {total:.0f} ms (medians)"
    )


def stream(client: httpx.Client, request: dict[str, str] = REQUEST) -> tuple[float, float]:
    """Send a request and read its stream; return the seconds to the first event and to the end."""
    started = time.perf_counter()
    first = 0.0
    last = ""
    with client.stream("POST", "/api/agent/stream", json=request) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data:"):
                first = first or time.perf_counter() - started
                last = line
    assert json.loads(last.removeprefix("data:"))["type"] == "done", last
    return first, time.perf_counter() - started


if __name__ == "__main__":
    main()
