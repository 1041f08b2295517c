"""Connections on which nobody answers: who is waited for, how long, and what is closed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

import pytest
from psycopg import AsyncConnection, Error
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from persistence import hanging_up, pipelined
from persistence.hanging_up import IdleConnections, hung_up_after
from persistence.pipelined import PipelinedConnection
from tests.faults.proxy import Proxy
from tests.server.reading import until

SHORT_SECONDS = 0.2
Connect = Callable[[], Awaitable[AsyncConnection[TupleRow]]]


@pytest.fixture
async def connect(proxy: Proxy) -> AsyncIterator[Connect]:
    """Give what connects; every connection is closed afterwards."""
    opened: list[AsyncConnection[TupleRow]] = []

    async def make() -> AsyncConnection[TupleRow]:
        opened.append(await AsyncConnection.connect(proxy.dsn, autocommit=True))
        return opened[-1]

    yield make
    for connection in opened:
        await connection.close()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every idle connection be asked, and wait for it for a moment only."""
    monkeypatch.setattr(hanging_up, "BELIEVED_SECONDS", 0.0)
    monkeypatch.setattr(hanging_up, "CHECK_SECONDS", SHORT_SECONDS)


async def test_a_server_that_fell_silent_is_asked_once(proxy: Proxy, connect: Connect) -> None:
    """One connection is waited for; those last heard before that are closed unasked, and a later one is handed out."""
    idle, asked = IdleConnections(), list[AsyncConnection[TupleRow]]()

    async def hold_open(connection: AsyncConnection[TupleRow], heard_at: float) -> None:
        async def ask() -> None:
            asked.append(connection)
            await connection.execute("select")

        await idle.hold_open(connection, heard_at, ask)

    lost = [await connect() for _ in range(3)]
    heard_at = monotonic()
    proxy.go_dark()
    for connection in lost:
        with pytest.raises(Error):
            await hold_open(connection, heard_at)
    assert asked == lost[:1]
    assert all(connection.closed for connection in lost)
    fresh = await connect()
    await hold_open(fresh, monotonic())
    assert asked == [lost[0], fresh]


async def test_an_answer_that_we_are_late_to_read_is_read(admin_dsn: str) -> None:
    """Where our own process stood still for too long, the server is not to blame."""

    async def is_sent() -> bool:
        return connection.info.transaction_status == TransactionStatus.ACTIVE

    async with await AsyncConnection.connect(admin_dsn) as connection:
        with hung_up_after(connection, SHORT_SECONDS):
            asked = asyncio.create_task(connection.execute("select pg_sleep(%s)", (SHORT_SECONDS / 2,)))
            await until(is_sent)
            time.sleep(2 * SHORT_SECONDS)  # noqa: ASYNC251 - it stands still
            assert (await asked).rowcount == 1


async def test_who_is_cancelled_does_not_wait_for_a_silent_server(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is asked to stop what it is at, and given up when nothing is heard of that."""
    monkeypatch.setattr(pipelined, "GIVING_UP_SECONDS", SHORT_SECONDS)
    connection = await PipelinedConnection.connect(proxy.dsn, autocommit=True)
    connection.send("select pg_sleep(60)")
    asking = asyncio.create_task(connection.answer())

    async def is_asked() -> bool:
        return any("pg_sleep" in text for text in proxy.texts)

    await until(is_asked)
    proxy.go_dark()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert connection.closed
