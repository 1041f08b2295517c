"""Three hundred streams that are open all the time: `python -m tests.bench.soak --seconds 600`.

Twenty short answers a second are asked for, by 300 people in turns, of a model that
takes 15 seconds for each; so 300 streams are open at any moment. `--rate` asks for fewer. Who is told that the
server has no room for now is counted and does not ask again. The lag of an event
is the time from its entry in the log, `run_events.created_at`, to its arrival at the
client, by the clock of this one machine. Memory is the resident set of the server's
process. `--json FILE` keeps the figures.
"""

import argparse
import asyncio
import json
import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from tests.bench.peers.compare import Peer, peers
from tests.bench.peers.load import SESSION
from tests.bench.peers.model import Pace
from tests.scripted_model.demo import QUESTION

RUNS_PER_SECOND: Final = 20
ANSWER_SECONDS: Final = 15
SLOW: Final = Pace(1_000, 280)
SECONDS: Final = 60
SAMPLE_SECONDS: Final = 5.0
OVERLOADED: Final = b"HTTP/1.1 503"
EVENT_ID: Final = re.compile(rb"^id: (\d+)$", re.MULTILINE)


@dataclass
class Soak:
    """What was seen: arrivals by session and number of the event, and samples of what is open and how large it is."""

    arrived: dict[tuple[str, int], float] = field(default_factory=dict[tuple[str, int], float])
    open_streams: list[int] = field(default_factory=list[int])
    resident_mb: list[float] = field(default_factory=list[float])
    open_now: int = 0
    ended: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Soaked:
    """The figures of a soak."""

    runs: int
    refused: int
    events: int
    open_streams: float
    lag_p50_ms: float
    lag_p99_ms: float
    lag_max_ms: float
    resident_mb: list[float]

    def row(self) -> str:
        """Return the figures as a line."""
        quarter = max(1, len(self.resident_mb) // 4)
        second, last = self.resident_mb[quarter : 2 * quarter], self.resident_mb[-quarter:]
        return (
            f"{self.runs:,} runs, {self.refused:,} refused, {self.events:,} events,"
            f" {self.open_streams:.0f} streams open (median);"
            f" lag p50 {self.lag_p50_ms:.1f} ms, p99 {self.lag_p99_ms:.1f} ms, most {self.lag_max_ms:.0f} ms;"
            f" memory {statistics.median(second or last):.0f} MB in the second quarter,"
            f" {statistics.median(last):.0f} MB in the last, {max(self.resident_mb):.0f} MB at most"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for how long runs are begun")
    parser.add_argument("--rate", type=int, default=RUNS_PER_SECOND, help="runs that are begun in a second")
    arguments = parser.parse_args()
    with peers(SLOW, arguments.rate * ANSWER_SECONDS, []) as (ours,):
        soaked = asyncio.run(soak(ours, arguments.rate, arguments.seconds))
    print(soaked.row())
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(soaked), indent=1))


async def soak(ours: Peer, rate: int, seconds: int) -> Soaked:
    """Begin runs for so long, at an even pace, and read each to its end."""
    seen = Soak()
    sampling = asyncio.create_task(_sample(ours, seen))
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(seconds * rate):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            group.create_task(_ask(ours.base_url, ours.people[number % len(ours.people)], seen))
        await asyncio.sleep(0)
        sampling.cancel()
    lags = _lags_ms(ours.dsn, seen)
    cuts = statistics.quantiles(lags, n=100)
    return Soaked(
        seen.ended,
        seen.refused,
        len(lags),
        statistics.median(seen.open_streams),
        cuts[49],
        cuts[98],
        max(lags),
        seen.resident_mb,
    )


async def _ask(base_url: str, person: Mapping[str, str], seen: Soak) -> None:
    """Ask for one short answer and note when each event arrives."""
    address = urlsplit(base_url)
    body = json.dumps({"message": QUESTION}).encode()
    fields = {"Host": address.netloc, "Content-Type": "application/json", "Content-Length": str(len(body)), **person}
    head = "POST /api/agent/stream HTTP/1.1\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(head.encode() + b"\r\n" + body)
    seen.open_now += 1
    came: dict[int, float] = {}
    told = b""
    while part := await reader.read(65_536):
        came |= dict.fromkeys(map(int, EVENT_ID.findall(part)), time.time())
        told += part
    writer.close()
    seen.open_now -= 1
    if told.startswith(OVERLOADED):
        seen.refused += 1
        return
    session = SESSION.search(told)
    assert session is not None, told
    assert b'"type":"done"' in told, told
    seen.arrived |= {(session[1].decode(), number): at for number, at in came.items()}
    seen.ended += 1


async def _sample(ours: Peer, seen: Soak) -> None:
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        seen.open_streams.append(seen.open_now)
        seen.resident_mb.append(_resident_mb(ours.pid))


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _lags_ms(dsn: str, seen: Soak) -> list[float]:
    """Return how long after its entry in the log each event arrived, in milliseconds."""
    with psycopg.connect(dsn) as admin:
        entered = admin.execute(
            """
            select session_id::text, seq, extract(epoch from e.created_at)
            from planwright.run_events e join planwright.runs r on r.id = run_id
            """
        )
        return [(seen.arrived[session, seq] - float(at)) * 1000 for session, seq, at in entered]


if __name__ == "__main__":
    main()
