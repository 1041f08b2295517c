"""What one reference run costs, counted exactly: a guard against slow drift.

The run is that of the benches: a plan of five steps, four of them at once, twelve
model calls, an answer. Postgres counts the statements that each login sends, from the
acceptance of the message to `done`; what was stored is counted after it. A change that
alters a number on purpose writes the new one down here; a failure prints them all.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from math import inf
from pprint import pformat
from typing import Final

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from persistence.migrate import migrate
from persistence.pipelined import PipelinedConnection
from persistence.pools import Database
from server.accept import accept
from server.bodies import Ask
from tests.conftest import TEST_SECRET, empty_server, new_person
from tests.scripted_model.demo import organise
from tests.scripted_model.replies import Reply
from tests.scripted_model.requests import ChatRequest
from tests.turns import desk

EXPECTED: Final = {
    "bytes of checkpoints": 6289,
    "bytes of events": 8461,
    "bytes of keys of events": 439,
    "planwright_api: statements": 14,
    "planwright_api: transactions": 2,
    "planwright_executor: statements": 43,
    "planwright_executor: transactions": 7,
    "planwright_worker: statements": 184,
    "planwright_worker: transactions": 23,
    "rows of agent_chat_messages": 37,
    "rows of agent_chat_sessions": 6,
    "rows of agent_executions": 5,
    "rows of agent_plans": 1,
    "rows of agents": 6,
    "rows of charges": 13,
    "rows of chat_messages": 2,
    "rows of chat_sessions": 1,
    "rows of checkpoint_blobs": 1,
    "rows of checkpoints": 8,
    "rows of model_usage": 12,
    "rows of run_events": 35,
    "rows of runs": 1,
    "rows of tool_calls": 5,
    "waits for Postgres": 38,
}

SENT: Final = """
    select rolname || ': ' || what, sum(calls)::integer
    from pg_stat_statements s join pg_roles r on r.oid = s.userid,
        lateral (values ('statements', true), ('transactions', query like '%set_config(%')) as counted (what, counts)
    where rolname like 'planwright_%' and counts group by 1
"""
TABLES: Final = """
    select relname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where relnamespace = 'planwright'::regnamespace and relkind = 'r' and attname = 'user_id' and not attisdropped
"""
# Ids, times and LangGraph's version numbers, which are random, count as one character each.
BYTES: Final = r"""
    select 'bytes of ' || what, sum(octet_length(regexp_replace(regexp_replace(content,
        '[0-9]{32}\.[0-9.e-]+', 'V', 'g'), '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+', 'N', 'g')))::integer
    from (
        select 'events', payload from planwright.run_events
        union all select 'keys of events', key from planwright.run_events
        union all select 'checkpoints', checkpoint::text || metadata::text from planwright.checkpoints
    ) as written (what, content)
    group by what
"""


def in_one_piece(request: ChatRequest) -> Reply:
    """Answer as in the benches, but all at once: what comes in pieces is batched, and begun early, by the clock."""
    return replace(organise(request), deltas=1, joined=True)


@pytest.fixture
def counting_dsn() -> Iterator[str]:
    """Give an empty installation on a server that counts statements."""
    with empty_server(shared_preload_libraries="pg_stat_statements") as dsn:
        migrate(dsn, TEST_SECRET)
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute("create extension pg_stat_statements")
        yield dsn


@pytest.fixture
async def installation(counting_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Give the program's own pools there; a connection that answered once is believed, however slow the machine is."""
    monkeypatch.setattr("persistence.hanging_up.BELIEVED_SECONDS", inf)
    opened = Database(counting_dsn, TEST_SECRET)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[PipelinedConnection]:
    """Give what notes each message to Postgres whose answer is waited for, by its connection."""
    noted: list[PipelinedConnection] = []
    answer = PipelinedConnection.answer

    async def noting(connection: PipelinedConnection) -> None:
        noted.append(connection)
        await answer(connection)

    monkeypatch.setattr(PipelinedConnection, "answer", noting)
    return noted


async def test_a_complex_run_costs_what_it_did(
    counting_dsn: str, installation: Database, waits: list[PipelinedConnection]
) -> None:
    """The run sends as many statements, in as many transactions, and leaves as much behind as is written down."""
    person = await new_person(installation)
    with psycopg.connect(counting_dsn, autocommit=True) as admin:
        admin.execute("select pg_stat_statements_reset()")
        async with desk(installation, person, in_one_piece) as here:
            before = len(waits)
            accepted = await accept(installation, person.id, Ask(message="Put my week in order"))
            turn = await here.finish(accepted.run.id)
            waited = len(waits) - before
        assert turn.run.status == "done"
        costs = {**_counted(admin), "waits for Postgres": waited}
    assert costs == EXPECTED, f"the reference run now costs\n{pformat(costs)}"


def _counted(admin: psycopg.Connection) -> dict[str, int]:
    costs: dict[str, int] = dict(admin.execute(SENT).fetchall())
    for (table,) in admin.execute(TABLES).fetchall():
        (rows,) = admin.execute(SQL("select count(*) from planwright.{}").format(Identifier(table))).fetchall()[0]
        costs |= {f"rows of {table}": rows} if rows else {}
    return dict(sorted({**costs, **dict(admin.execute(BYTES).fetchall())}.items()))
