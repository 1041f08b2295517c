"""How long the demo request takes over HTTP, offline model: `python -m tests.bench.demo_request`."""

import statistics
from typing import Final

import httpx

from tests.bench.complex_runs import stream
from tests.bench.serving import served

RUNS: Final = 10


def main() -> None:
    """Ask for the week of the demo workspace over HTTP and print the medians."""
    with (
        served({}, user="demo") as server,
        httpx.Client(base_url=server.base_url, headers=server.headers, timeout=60) as client,
    ):
        timings = [stream(client) for _ in range(RUNS)]
    first = statistics.median(first for first, _ in timings) * 1000
    total = statistics.median(total for _, total in timings) * 1000
    print(
        f"demo request over HTTP, offline model, {RUNS} runs:"
        f" first event {first:.0f} ms, total {total:.0f} ms (medians)"
    )


if __name__ == "__main__":
    main()
