"""LangGraph's checkpoints, isolated and fenced like everything else.

The release in use takes one process-wide lock around every statement, even over
a pool (measured: 64 reads of 20 ms took 1.94 s, 0.16 s without), and knows
neither users nor attempts. Both are mended in the one method that hands out a
cursor; the default serializer, which would run a function named in stored
bytes, is made strict.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.postgres.base import BasePostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row

from persistence.pools import Database
from persistence.scope import Identity, Role

STRICT: Final = JsonPlusSerializer(pickle_fallback=False, allowed_json_modules=None, allowed_msgpack_modules=None)


class Checkpoints(AsyncPostgresSaver):
    """The checkpoints of one person's sessions, written by one attempt of one run.

    With an identity that names no run (a notebook, the trace) it only reads.
    """

    def __init__(self, database: Database, identity: Identity) -> None:
        BasePostgresSaver.__init__(self, serde=STRICT)  # the parent's own __init__ only keeps a connection
        self.pipe = None
        self.loop = asyncio.get_running_loop()
        self._database = database
        self._identity = identity

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[AsyncCursor[DictRow]]:
        role = Role.API if self._identity.run_id is None else Role.WORKER
        async with (
            self._database.acting(role, self._identity) as scope,
            scope.connection.cursor(binary=True, row_factory=dict_row) as cursor,
        ):
            yield cursor
