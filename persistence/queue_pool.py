"""The connections of Procrastinate: given up when they do not answer, and not asked each time whether they would."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from persistence.hanging_up import IdleConnections, hung_up_after
from persistence.pipelined import PipelinedConnection

ANSWER_SECONDS: Final = 5.0  # for a connection or a statement; past it the server is taken for gone


class QueuePool(AsyncConnectionPool[AsyncConnection[TupleRow]]):
    """Connections that are given up when they do not answer; nothing but a statement waits for them."""

    async def open(self, wait: bool = False, timeout: float = ANSWER_SECONDS) -> None:  # noqa: ARG002, ASYNC109, FBT001, FBT002 - the parent's
        """Begin to connect."""
        await super().open(wait=False, timeout=timeout)

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncGenerator[AsyncConnection[TupleRow]]:  # noqa: ASYNC109 - the parent's
        """Give a connection."""
        async with super().connection(timeout) as connection:
            with hung_up_after(connection, ANSWER_SECONDS):
                yield connection


def queue_pool(**given: Any) -> QueuePool:  # noqa: ANN401 - Procrastinate hands its arguments through
    """Return a pool, to be opened by whoever wants it."""
    given["check"] = partial(_answers, IdleConnections())
    return QueuePool(**given, connection_class=PipelinedConnection, configure=_made)


async def _answers(idle: IdleConnections, connection: AsyncConnection[TupleRow]) -> None:
    assert isinstance(connection, PipelinedConnection), "the pool makes no others"
    await idle.hold_open(connection, connection.heard_at, partial(QueuePool.check_connection, connection))


async def _made(connection: AsyncConnection[TupleRow]) -> None:
    await connection.set_autocommit(True)
