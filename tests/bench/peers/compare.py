"""Ours beside the server that everyone writes first and the limit: `python -m tests.bench.peers.compare`.

All do the same request on one machine in one run, interleaved: one Postgres with a
database for each, one scripted model. What counts is the ratios. The limit is there
twice: reading its executors' calls whole, and in tokens, as the naive server does.
`--json FILE` keeps the figures, `--short` is a look and no measurement.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from persistence import embedded
from tests.bench.peers.load import all_at_once, for_a_while, one_after_another
from tests.bench.peers.model import Pace
from tests.bench.serving import PLANWRIGHT, cpu_seconds, people_of, served

AT_ONCE: Final = Pace(0, 0)
REAL: Final = Pace(200, 5)
WARM_UP: Final = 10
ROUNDS: Final = 5
RUNS_A_ROUND: Final = 10
CROWDS: Final = {1: 15, 20: 5, 100: 3, 300: 3}  # so many at once, in so many rounds
WARM_UP_CROWD: Final = 20  # opens the connections that a server keeps
OTHERS: Final = {"naive": ("naive",), "raw": ("raw",), "raw_streamed": ("raw", "streamed")}  # module and last argument
NAIVE_CROWD_MAX: Final = 20  # a hundred take it minutes
SECRET: Final = "the same for every run of the comparison"
THROUGHPUT_PEOPLE: Final = 20
THROUGHPUT_SECONDS: Final = 6.0
THROUGHPUT_ROUNDS: Final = 3


@dataclass(frozen=True)
class Peer:
    """A server that answers, its process, its database, and who asks there."""

    name: str
    pid: int
    base_url: str
    dsn: str
    people: Sequence[Mapping[str, str]]

    def cpu_ms(self) -> float:
        """Return the CPU time of the server's process tree so far, Postgres not counted."""
        return sum(cpu_seconds(pid) for pid in _tree(self.pid)) * 1000


@dataclass(frozen=True)
class Figure:
    """One figure of each server, as they came in each round."""

    what: str
    unit: str
    of: Mapping[str, list[float]]

    def medians(self) -> dict[str, float]:
        """Return the median of each server."""
        return {name: statistics.median(values) for name, values in self.of.items() if values}

    def row(self) -> str:
        """Return the figure as a line: ours, the others, and the ratios to them."""
        medians = self.medians()
        ours = medians["planwright"]
        others = [
            f"{name} {median:.3g} (× {ours / median:.2f})" for name, median in medians.items() if name != "planwright"
        ]
        return f"{self.what}: planwright {ours:.3g} {self.unit}; {', '.join(others)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--short", action="store_true", help="one round and twenty people at most")
    arguments = parser.parse_args()
    rounds, crowds = (1, {1: 1, 20: 1}) if arguments.short else (ROUNDS, CROWDS)
    figures: list[Figure] = []
    with peers(AT_ONCE, THROUGHPUT_PEOPLE) as servers:
        figures += _told(asyncio.run(costs(servers, rounds)))
    with peers(REAL, max(crowds)) as servers:
        for crowd, times in crowds.items():
            figures += _told(asyncio.run(latencies(servers, crowd, times)))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=1))


async def costs(servers: Sequence[Peer], rounds: int) -> list[Figure]:
    """Measure CPU a run, first event, total and throughput, with a model that answers at once."""
    cpu, first, total, throughput = ({peer.name: list[float]() for peer in servers} for _ in range(4))
    for peer in servers:
        await one_after_another(peer.base_url, peer.people[0], WARM_UP)
    for _ in range(rounds):
        for peer in servers:
            before = peer.cpu_ms()
            asked = await one_after_another(peer.base_url, peer.people[0], RUNS_A_ROUND)
            cpu[peer.name].append((peer.cpu_ms() - before) / RUNS_A_ROUND)
            first[peer.name].append(statistics.median(each.first for each in asked) * 1000)
            total[peer.name].append(statistics.median(each.total for each in asked) * 1000)
    for _ in range(min(rounds, THROUGHPUT_ROUNDS)):
        for peer in servers:
            throughput[peer.name].append(await for_a_while(peer.base_url, peer.people, THROUGHPUT_SECONDS))
    return [
        Figure("CPU of the server a run, model delay 0", "ms", cpu),
        Figure("first event, one person, model delay 0", "ms", first),
        Figure("total, one person, model delay 0", "ms", total),
        Figure(f"runs a second, {THROUGHPUT_PEOPLE} people, model delay 0", "1/s", throughput),
    ]


def _told(figures: list[Figure]) -> list[Figure]:
    for figure in figures:
        print(figure.row(), flush=True)
    return figures


async def latencies(servers: Sequence[Peer], crowd: int, rounds: int) -> list[Figure]:
    """Measure what a server adds to the model's critical path, and the first event, when so many ask at once."""
    able = [peer for peer in servers if peer.name != "naive" or crowd <= NAIVE_CROWD_MAX]
    added, first = ({peer.name: list[float]() for peer in able} for _ in range(2))
    for peer in able:
        await all_at_once(peer.base_url, peer.people[:WARM_UP_CROWD])
    for _ in range(rounds):
        for peer in able:
            asked = await all_at_once(peer.base_url, peer.people[:crowd])
            added[peer.name] += [(each.total - REAL.critical_path_seconds) * 1000 for each in asked]
            first[peer.name] += [each.first * 1000 for each in asked]
    return [
        Figure(f"added to the model's critical path, {crowd} at once", "ms", added),
        Figure(f"first event, {crowd} at once", "ms", first),
    ]


@contextmanager
def peers(
    pace: Pace,
    crowd: int,
    others: Sequence[str] = tuple(OTHERS),
    postgres: Mapping[str, str] = {},
    program: Sequence[str] = PLANWRIGHT,
) -> Generator[list[Peer]]:
    """Start Postgres, with these settings, the model, our server by that program and the others."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-bench-"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            dsn = stack.enter_context(
                embedded.start(folder / "data", settings={"max_connections": "200", **postgres})
            ).dsn
            with psycopg.connect(dsn, autocommit=True) as admin:
                for name in ("planwright_bench", *others):
                    admin.execute(SQL("create database {}").format(Identifier(name)))
            model = stack.enter_context(_started("model", str(pace.first_ms), str(pace.token_ms)))[1]
            ours_dsn = make_conninfo(dsn, dbname="planwright_bench")
            environment = {
                "PLANWRIGHT_DATABASE_URL": ours_dsn,
                "PLANWRIGHT_SECRET": SECRET,
                "PLANWRIGHT_MODEL_BASE_URL": model,
                "PLANWRIGHT_MODEL_API_KEY": "none",
                "PLANWRIGHT_PLANNER_MODEL": "deep",
                "PLANWRIGHT_MAX_CONCURRENT_RUNS": "400",
            }
            ours = stack.enter_context(served(environment, program=program))
            who = people_of(ours_dsn, SECRET, crowd)
            found = [Peer("planwright", ours.process.pid, ours.base_url, ours_dsn, who)]
            for name in others:
                theirs = make_conninfo(dsn, dbname=name)
                module, *last = OTHERS[name]
                pid, base_url = stack.enter_context(_started(module, theirs, model, *last))
                found.append(Peer(name, pid, base_url, theirs, [dict[str, str]()] * crowd))
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(module: str, *arguments: str) -> Generator[tuple[int, str]]:
    """Start one of the other servers; give its process and its address."""
    command = [sys.executable, "-m", f"tests.bench.peers.{module}", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ.copy()) as process:
        try:
            assert process.stdout is not None, "the output is a pipe"
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.kill()


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *(each for child in children for each in _tree(int(child)))]


if __name__ == "__main__":
    main()
