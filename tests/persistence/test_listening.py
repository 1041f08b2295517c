"""A loop that listens to a connection between waits: neither a later connection nor the processor notices."""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import psycopg
import pytest
import uvloop
from psycopg import OperationalError

from persistence.pipelined import NamingConnection

SHORT_SECONDS: Final = 0.1
IDLE_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 5.0

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run something on a loop of its own, of either kind."""

    def run(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(work, PATIENCE_SECONDS))

    return run


async def connect(dsn: str) -> NamingConnection:
    """Connect, and ask something, so that the loop listens."""
    connection = await NamingConnection.connect(dsn, autocommit=True)
    await ask(connection)
    return connection


async def ask(connection: NamingConnection, query: str = "select 1") -> None:
    """Ask something."""
    connection.send(query)
    await connection.answer()


async def closed(connection: NamingConnection) -> None:
    """Close it."""
    await connection.close()


async def closed_after_psycopg(connection: NamingConnection) -> None:
    """Close it after psycopg has listened itself."""
    await connection.execute("select 1")
    await ask(connection)
    await connection.close()


async def ended_by_its_statement(connection: NamingConnection) -> None:
    """Have the server end it."""
    with pytest.raises(OperationalError):
        await ask(connection, "select pg_terminate_backend(pg_backend_pid())")


async def ended_in_psycopgs_hands(connection: NamingConnection) -> None:
    """Have the server end it by what psycopg sends."""
    with pytest.raises(OperationalError):
        await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    await connection.close()


async def cancelled_while_the_server_is_at_it(connection: NamingConnection) -> None:
    """Cancel what the server then stops, and close it."""
    asking = asyncio.create_task(ask(connection, "select pg_sleep(60)"))
    await asyncio.sleep(SHORT_SECONDS)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await connection.close()


async def cancelled_twice(connection: NamingConnection) -> None:
    """Cancel it while the server is asked to stop: it is hung up."""
    asking = asyncio.create_task(ask(connection, "select pg_sleep(60)"))
    await asyncio.sleep(SHORT_SECONDS)
    asking.cancel()
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert connection.closed


async def cancelled_in_the_queue(connection: NamingConnection) -> None:
    """Cancel one that waits for its turn on it: it is hung up."""
    async with connection.lock:
        asking = asyncio.create_task(ask(connection))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


@pytest.mark.parametrize(
    "end",
    [
        closed,
        closed_after_psycopg,
        ended_by_its_statement,
        ended_in_psycopgs_hands,
        cancelled_while_the_server_is_at_it,
        cancelled_twice,
        cancelled_in_the_queue,
    ],
)
def test_the_next_socket_of_the_same_number_is_heard(
    admin_dsn: str, run: Run, end: Callable[[NamingConnection], Awaitable[None]]
) -> None:
    """However a connection ends, the loop does not take another socket for it."""

    async def work() -> None:
        near, far = socket.socketpair()
        with near, far:
            connection = await connect(admin_dsn)
            number = connection.fileno()
            await end(connection)
            os.dup2(near.fileno(), number)
            heard = asyncio.Event()
            asyncio.get_running_loop().add_reader(number, heard.set)
            far.send(b"something")
            await heard.wait()
            asyncio.get_running_loop().remove_reader(number)
            os.close(number)

    run(work())


def test_a_connection_that_the_server_ended_costs_nothing(admin_dsn: str, run: Run) -> None:
    """What comes over an idle connection is not told again and again."""

    async def work() -> None:
        connection = await connect(admin_dsn)
        with psycopg.connect(admin_dsn, autocommit=True) as admin:
            admin.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
        before = time.process_time()
        await asyncio.sleep(IDLE_SECONDS)
        assert time.process_time() - before < IDLE_SECONDS / 2
        await connection.close()

    run(work())
