"""How many streams one core carries, ours beside the naive server and the limit: `python -m tests.bench.streams`.

The model takes 200 ms to the first token and 5 ms a token. What a run then costs
the server in CPU says how many can be under way at once on 80 % of a core: as many
as fit their 2.25 s. `--json FILE` keeps the figures, `--short` is one round.
"""

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.bench.peers.compare import REAL, WARM_UP, Figure, Peer, peers
from tests.bench.peers.load import all_at_once

PEOPLE: Final = {"planwright": 10, "naive": 4, "raw": 10, "raw_streamed": 10}  # so few that none waits for a core
ROUNDS: Final = 5
STREAM_SECONDS: Final = 2.25
SHARE_OF_A_CORE: Final = 0.8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--short", action="store_true", help="one round")
    arguments = parser.parse_args()
    with peers(REAL, max(PEOPLE.values())) as servers:
        cpu = asyncio.run(cpu_of_runs(servers, 1 if arguments.short else ROUNDS))
    print(cpu.row())
    carried = {
        name: SHARE_OF_A_CORE * STREAM_SECONDS * 1000 / statistics.median(values) for name, values in cpu.of.items()
    }
    print("streams that one core carries at 80 %:", ", ".join(f"{name} {many:.1f}" for name, many in carried.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps({"cpu_ms": cpu.of, "streams": carried}, indent=1))


async def cpu_of_runs(servers: Sequence[Peer], rounds: int) -> Figure:
    """Have some people ask at once, at one server after the other; return the CPU of a run in each round."""
    cpu = {server.name: list[float]() for server in servers}
    for server in servers:
        await all_at_once(server.base_url, server.people[:WARM_UP])
    for _ in range(rounds):
        for server in servers:
            people = server.people[: PEOPLE[server.name]]
            before = server.cpu_ms()
            await all_at_once(server.base_url, people)
            cpu[server.name].append((server.cpu_ms() - before) / len(people))
    return Figure("CPU of the server a run, a model that speaks", "ms", cpu)


if __name__ == "__main__":
    main()
