"""Deleting a session, with the queue and everything else that knew of it."""

import httpx
import psycopg
from psycopg.sql import SQL, Identifier

from server.wiring import Planwright
from tests.server.reading import send, started, until
from tests.server.scripted_turns import ScriptedTurns

SCHEMAS = ["planwright", "planwright_queue"]


def mentions(administrator: psycopg.Connection, *ids: str) -> list[str]:
    """Return the tables in which any row, as text or in the bytes of a value, holds one of these ids."""
    tables = administrator.execute(
        "select table_schema, table_name from information_schema.tables"
        " where table_schema = any (%s) and table_type = 'BASE TABLE'",
        (SCHEMAS,),
    ).fetchall()
    assert len(tables) > 25, "an administrator sees them all"
    sought = [pattern for one in ids for pattern in (f"%{one}%", f"%{one.encode().hex()}%")]
    return [
        f"{schema}.{table}"
        for schema, table in tables
        if administrator.execute(
            SQL("select true from {} as t where t::text like any (%s) limit 1").format(Identifier(schema, table)),
            (sought,),
        ).fetchone()
    ]


async def test_a_deleted_session_is_nowhere(
    client: httpx.AsyncClient, planwright: Planwright, script: ScriptedTurns, admin_dsn: str
) -> None:
    """After a finished run, one at work and one that waits: no row, no event and no job of any table names them."""
    finished = await send(client)
    script.go_on.clear()
    working, session_id = await started(client, session_id=finished.session_id)
    await script.at_the_gate.wait()
    queued, _ = await started(client, session_id=session_id)
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:
        ids = (session_id, finished.run_id, working, queued)
        before = mentions(administrator, *ids)
        assert {"planwright.runs", "planwright.run_events", "planwright_queue.procrastinate_jobs"} <= set(before)
        script.go_on.set()
        assert (await client.delete(f"/api/agent/sessions/{session_id}")).status_code == 204

        async def is_nowhere() -> bool:
            return mentions(administrator, *ids) == []

        await until(is_nowhere)
