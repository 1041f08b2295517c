"""The connections of Procrastinate: given up when they do not answer, and not asked each time whether they would."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from persistence.hanging_up import BELIEVED_SECONDS, hung_up_after, refuse_hung_up

ANSWER_SECONDS: Final = 5.0  # for a connection or a statement; past it the server is taken for gone


_heard_at: Final = WeakKeyDictionary[AsyncConnection[TupleRow], float]()  # when each was last used without a failure


class QueuePool(AsyncConnectionPool[AsyncConnection[TupleRow]]):
    """Connections that are given up when they do not answer; nothing but a statement waits for them."""

    async def open(self, wait: bool = False, timeout: float = ANSWER_SECONDS) -> None:  # noqa: ARG002, ASYNC109, FBT001, FBT002 - the parent's
        """Begin to connect."""
        await super().open(wait=False, timeout=timeout)

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncGenerator[AsyncConnection[TupleRow]]:  # noqa: ASYNC109 - the parent's
        """Give a connection, and note that it was heard."""
        async with super().connection(timeout) as connection:
            with hung_up_after(connection, ANSWER_SECONDS):
                yield connection
            _heard_at[connection] = monotonic()


def queue_pool(**given: Any) -> QueuePool:  # noqa: ANN401 - Procrastinate hands its arguments through
    """Return a pool, to be opened by whoever wants it."""
    given["check"] = _answers
    return QueuePool(**given, configure=_autocommit)


async def _answers(connection: AsyncConnection[TupleRow]) -> None:
    """Hold that the server is there; it is asked only when nothing was heard of it for a moment."""
    await refuse_hung_up(connection)
    if monotonic() - _heard_at.get(connection, float("-inf")) > BELIEVED_SECONDS:
        with hung_up_after(connection, ANSWER_SECONDS):
            await QueuePool.check_connection(connection)


async def _autocommit(connection: AsyncConnection[TupleRow]) -> None:
    await connection.set_autocommit(True)
