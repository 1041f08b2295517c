"""What a complex run costs Postgres: `python -m tests.bench.postgres_cost`.

One person asks again and again, model delay 0. Postgres itself tells what it did:
`pg_stat_statements` the statements, `pg_walinspect` its log, `pg_stat_io` how long
that took to write and flush. Page images, which depend on when the last checkpoint
was, are switched off. A durable step is a transaction of the worker's: the time of
its statements, without the wait for the fence, and its share of the log's.
`--json FILE` keeps the figures, `--short` is a look.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg

from tests.bench.peers.compare import AT_ONCE, WARM_UP, peers
from tests.bench.peers.load import one_after_another
from tests.bench.serving import cpu_seconds

RUNS: Final = 30
RUNS_SHORT: Final = 5
TOLD: Final = {
    "shared_preload_libraries": "pg_stat_statements",
    "track_wal_io_timing": "on",
    "full_page_writes": "off",
}
SHOWN: Final = 12


@dataclass(frozen=True)
class RoleCost:
    """What one login asked of Postgres in a run; `waited_ms` is for the fence."""

    role: str
    transactions: float
    statements: float
    statements_ms: float
    waited_ms: float


@dataclass(frozen=True)
class Written:
    """What a run wrote to the log about one table or one kind of record."""

    what: str
    records: float
    wal_bytes: float


@dataclass(frozen=True)
class PostgresCost:
    """What a run costs Postgres."""

    runs: int
    cpu_ms: float
    wal_bytes: float
    log_ms: float
    roles: Sequence[RoleCost]
    records: Sequence[Written]
    tables: Sequence[Written]

    @property
    def step_ms(self) -> float:
        """Return how long Postgres is busy with one durable step."""
        (worker,) = (role for role in self.roles if role.role == "planwright_worker")
        commits = sum(role.transactions for role in self.roles if role.role != "planwright_executor")
        return (worker.statements_ms - worker.waited_ms) / worker.transactions + self.log_ms / commits

    def rows(self) -> list[str]:
        """Return the figures as lines."""
        return [
            f"mean of {self.runs} runs: {self.wal_bytes / 1000:.1f} KB of WAL, {self.step_ms:.2f} ms a durable step",
            f"  Postgres: {self.cpu_ms:.0f} ms of CPU",
            *(
                f"  {role.role}: {role.transactions:.1f} transactions, {role.statements:.1f} statements,"
                f" {role.statements_ms - role.waited_ms:.1f} ms, and {role.waited_ms:.1f} ms waiting for the fence"
                for role in self.roles
            ),
            *(f"  {each.what}: {each.records:.1f} records, {each.wal_bytes:,.0f} bytes" for each in self.records),
            *(f"  {each.what}: {each.records:.1f} records, {each.wal_bytes:,.0f} bytes" for each in self.tables),
        ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--short", action="store_true", help=f"{RUNS_SHORT} runs in place of {RUNS}")
    arguments = parser.parse_args()
    with peers(AT_ONCE, 1, [], TOLD) as (ours,):
        cost = asyncio.run(measured(ours.dsn, ours.base_url, ours.people[0], RUNS_SHORT if arguments.short else RUNS))
    print(*cost.rows(), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps({"step_ms": cost.step_ms, **asdict(cost)}, indent=1))


async def measured(dsn: str, base_url: str, person: Any, runs: int) -> PostgresCost:  # noqa: ANN401
    """Have a person ask so often; return what that cost a run."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("create extension pg_stat_statements")
        admin.execute("create extension pg_walinspect")
        await one_after_another(base_url, person, WARM_UP)
        admin.execute("select pg_stat_statements_reset(), pg_stat_reset_shared('io')")
        (begun,) = _only(admin, "select pg_current_wal_insert_lsn()")
        before = _cpu_seconds(admin)
        await one_after_another(base_url, person, runs)
        cpu_ms = (_cpu_seconds(admin) - before) / runs * 1000
        (ended,) = _only(admin, "select pg_current_wal_flush_lsn()")
        span = {"begun": begun, "ended": ended, "runs": runs}
        (log_ms,) = _only(
            admin,
            "select coalesce(sum(write_time + fsync_time), 0) / %(runs)s from pg_stat_io"
            " where object = 'wal' and backend_type = 'client backend'",
            span,
        )
        (wal_bytes,) = _only(admin, "select (%(ended)s::pg_lsn - %(begun)s::pg_lsn)::float / %(runs)s", span)
        roles, records, tables = _roles(admin, span), _records(admin, span), _tables(admin, span)
        return PostgresCost(runs, cpu_ms, wal_bytes, log_ms, roles, records, tables)


def _cpu_seconds(admin: psycopg.Connection) -> float:
    """Return the CPU of the server's processes so far."""
    return sum(cpu_seconds(pid) for (pid,) in admin.execute("select pid from pg_stat_activity").fetchall())


def _only(admin: psycopg.Connection, query: LiteralString, span: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
    row = admin.execute(query, span).fetchone()
    assert row is not None, "an aggregate has one row"
    return row


def _roles(admin: psycopg.Connection, span: dict[str, Any]) -> list[RoleCost]:
    rows = admin.execute(
        """
        select rolname, coalesce(sum(calls) filter (where query like '%%set_config(%%'), 0)::float / %(runs)s,
            sum(calls)::float / %(runs)s, sum(total_exec_time) / %(runs)s,
            coalesce(sum(total_exec_time - calls * min_exec_time)
                filter (where query like '%%pass_fence()%%'), 0) / %(runs)s
        from pg_stat_statements join pg_roles on pg_roles.oid = userid
        where rolname like 'planwright%%' group by rolname order by rolname
        """,
        span,
    )
    return [RoleCost(*row) for row in rows]


def _records(admin: psycopg.Connection, span: dict[str, Any]) -> list[Written]:
    rows = admin.execute(
        """
        select "resource_manager/record_type", count::float / %(runs)s, record_size::float / %(runs)s
        from pg_get_wal_stats(%(begun)s, %(ended)s, true) where record_size > 0
        order by record_size desc limit %(shown)s
        """,
        {**span, "shown": SHOWN},
    )
    return [Written(*row) for row in rows]


def _tables(admin: psycopg.Connection, span: dict[str, Any]) -> list[Written]:
    """Return what was written about each table, its indexes included; a record about two pages counts twice."""
    rows = admin.execute(
        """
        select coalesce(owner.relname, c.relname), count(*)::float / %(runs)s, sum(record_length)::float / %(runs)s
        from pg_get_wal_block_info(%(begun)s, %(ended)s) block
            join pg_class c on pg_relation_filenode(c.oid) = block.relfilenode
            left join pg_index i on i.indexrelid = c.oid
            left join pg_class owner on owner.oid = i.indrelid
        group by 1 order by 3 desc limit %(shown)s
        """,
        {**span, "shown": SHOWN},
    )
    return [Written(*row) for row in rows]


if __name__ == "__main__":
    main()
