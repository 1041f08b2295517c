"""What turn 200 of a session costs beside turn 5: `python -m tests.bench.growth`.

Some sessions are brought to their late turns first; then their late turns and
the early ones of fresh sessions are measured in turns, on one server that has
seen the same until then. Beside it the same on the naive server. Bytes are what
the turn wrote to Postgres's log, page images not counted.
`--json FILE` keeps the figures, `--short` stops at turn 20 and is no measurement.
"""

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psycopg

from tests.bench.peers.compare import AT_ONCE, Peer, peers
from tests.bench.peers.load import ask

EARLY: Final = 5
LATE: Final = 200
LATE_SHORT: Final = 20
AROUND: Final = 2  # turns on both sides of the one that is meant
SESSIONS: Final = {"planwright": 4, "naive": 2}  # a late turn of the naive server takes it a second
NO_PAGE_IMAGES: Final = {"full_page_writes": "off"}  # how many there are depends on when the last checkpoint was


@dataclass(frozen=True)
class Cost:
    """What a turn costs: CPU of the server and first event in milliseconds, bytes written to the log."""

    cpu_ms: float
    first_ms: float
    wal_bytes: float


@dataclass(frozen=True)
class Growth:
    """What early and late turns of one server cost, a figure for each round."""

    server: str
    late_turn: int
    early: Sequence[Cost]
    late: Sequence[Cost]

    def rows(self) -> list[str]:
        """Return a line for each figure, with the ratio of the medians."""
        return [
            f"{self.server}, {what}: {early:,.0f} {unit} at turn {EARLY}, {late:,.0f} at turn {self.late_turn}"
            f" (× {late / early:.2f})"
            for what, unit, early, late in (
                ("CPU of the server a turn", "ms", *self._medians("cpu_ms")),
                ("first event", "ms", *self._medians("first_ms")),
                ("WAL a turn", "bytes", *self._medians("wal_bytes")),
            )
        ]

    def _medians(self, name: str) -> tuple[float, float]:
        early, late = (statistics.median(getattr(each, name) for each in of) for of in (self.early, self.late))
        return early, late


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--short", action="store_true", help=f"turn {LATE_SHORT} in place of {LATE}")
    arguments = parser.parse_args()
    late = LATE_SHORT if arguments.short else LATE
    with peers(AT_ONCE, max(SESSIONS.values()), ["naive"], NO_PAGE_IMAGES) as servers:
        grown = [asyncio.run(growth(server, late)) for server in servers]
    for each in grown:
        print(*each.rows(), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in grown], indent=1))


async def growth(server: Peer, late_turn: int) -> Growth:
    """Measure early and late turns of a server, interleaved."""
    how_many = SESSIONS[server.name]
    old = await asyncio.gather(*(session_of(server, person, late_turn - AROUND) for person in range(how_many)))
    new = await asyncio.gather(*(session_of(server, person, EARLY - AROUND) for person in range(how_many)))
    early, late = list[Cost](), list[Cost]()
    for _ in range(2 * AROUND + 1):
        late.append(await cost(server, old))
        early.append(await cost(server, new))
    return Growth(server.name, late_turn, early, late)


async def session_of(server: Peer, person: int, turn: int) -> str:
    """Begin a session, and go on until that turn is the next; return its id."""
    begun = await ask(server.base_url, server.people[person])
    for _ in range(2, turn):
        await ask(server.base_url, server.people[person], begun.session_id)
    return begun.session_id


async def cost(server: Peer, sessions: Sequence[str]) -> Cost:
    """Have one turn in each of the sessions, one after the other; return what a turn cost."""
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        cpu_ms, wal_bytes = server.cpu_ms(), _written(admin)
        asked = [await ask(server.base_url, server.people[person], session) for person, session in enumerate(sessions)]
        return Cost(
            (server.cpu_ms() - cpu_ms) / len(sessions),
            statistics.median(each.first for each in asked) * 1000,
            (_written(admin) - wal_bytes) / len(sessions),
        )


def _written(admin: psycopg.Connection) -> int:
    row = admin.execute("select pg_current_wal_insert_lsn() - '0/0'").fetchone()
    assert row is not None, "an expression has one row"
    return int(row[0])


if __name__ == "__main__":
    main()
