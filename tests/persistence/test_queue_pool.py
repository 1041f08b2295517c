"""The connections of the queue: which of them are asked whether they still answer, before they are handed out."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
import pytest

from persistence import hanging_up, queue_pool
from persistence.queue_pool import QueuePool
from persistence.scope import DISPATCH, login
from tests.conftest import TEST_SECRET
from tests.faults.proxy import Proxy

SHORT_SECONDS = 0.3
PATIENCE_SECONDS = 20.0


@asynccontextmanager
async def opened(dsn: str) -> AsyncGenerator[QueuePool]:
    """Give a pool of one connection."""
    conninfo = login(dsn, DISPATCH, TEST_SECRET)
    pool = queue_pool.queue_pool(conninfo=conninfo, min_size=1, max_size=1, timeout=PATIENCE_SECONDS, open=False)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def use(pool: QueuePool) -> int:
    """Run a statement; return the process that did so."""
    async with pool.connection() as connection:
        await connection.execute("select 'used'")
        return connection.info.backend_pid


async def test_a_connection_that_was_heard_a_moment_ago_is_not_asked_again(admin_dsn: str) -> None:
    """What was used just now is handed out as it is, without a statement before the next one."""
    async with opened(admin_dsn) as pool:
        process = await use(pool)
        async with pool.connection() as connection:
            assert connection.info.backend_pid == process
            with psycopg.connect(admin_dsn) as admin:
                last = admin.execute("select query from pg_stat_activity where pid = %s", (process,)).fetchone()
    assert last == ("select 'used'",)


async def test_a_connection_that_the_server_closed_is_not_handed_out(admin_dsn: str) -> None:
    """One that was heard a moment ago and died since then is replaced."""
    async with opened(admin_dsn) as pool:
        process = await use(pool)
        with psycopg.connect(admin_dsn) as admin:
            admin.execute("select pg_terminate_backend(%s, 5000)", (process,))
        assert await use(pool) != process


async def test_a_connection_that_was_silent_for_long_has_to_answer(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One on which nobody answers any more, and which nobody closed, is replaced before it is handed out."""
    monkeypatch.setattr(hanging_up, "BELIEVED_SECONDS", 0.0)
    monkeypatch.setattr(hanging_up, "CHECK_SECONDS", SHORT_SECONDS)
    async with opened(proxy.dsn) as pool:
        process = await use(pool)
        proxy.go_dark()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await use(pool) != process
