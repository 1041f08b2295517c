"""LangGraph's checkpoints, isolated and fenced like everything else.

The release in use takes one process-wide lock around every statement, even over
a pool (measured: 64 reads of 20 ms took 1.94 s, 0.16 s without), and knows
neither users nor attempts. Both are mended in the one method that hands out a
cursor. The default serializer, which would run a function named in stored
bytes, is made strict, and what a caller puts into its configuration is kept out
of the stored metadata, where the library would write it in plain text.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, LiteralString, cast
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import WRITES_IDX_MAP, ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.postgres.base import BasePostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import AsyncCursor
from psycopg.abc import Params
from psycopg.rows import DictRow

from persistence.attempts import Attempt, Store
from persistence.pools import Database
from persistence.scope import Identity, Role, Scope

NEWEST: Final = "ORDER BY checkpoint_id DESC LIMIT 1"  # as the saver asks for it
PLACE: Final = frozenset({"thread_id", "checkpoint_ns", "checkpoint_id"})
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

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint; of the configuration only its place, whatever else the caller put there."""
        return await super().aput(_place(config), checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a pause is made of, and no node's writes before the checkpoint that holds them.

        Those are for supersteps of several tasks, of which one may fail. Ours have one, and a node that
        runs again finds in our tables what it did.
        """
        if all(channel in WRITES_IDX_MAP for channel, _ in writes):
            await super().aput_writes(config, writes, task_id, task_path)

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncGenerator[AsyncCursor[DictRow]]:
        if not pipeline:  # which the library wants for what it writes, and for nothing else
            yield cast("AsyncCursor[DictRow]", _Reading(self._transaction, self._known))
            return
        written = _Written()
        yield cast("AsyncCursor[DictRow]", written)
        await self._store(written.store)

    def _transaction(self) -> AbstractAsyncContextManager[Scope]:
        role = Role.API if self._identity.run_id is None else Role.WORKER
        return self._database.acting(role, self._identity)

    async def _store(self, store: Store) -> None:
        async with self._transaction() as scope:
            store(scope)

    def _known(self, query: str) -> list[DictRow] | None:  # noqa: ARG002 - there is more to know of an attempt's own
        """Return what a question finds, when that is known."""
        return None


class OwedCheckpoints(Checkpoints):
    """Those of one attempt, each stored with its next transaction: in front of whatever the next node writes.

    The graph begins with a look for the newest one of its thread: what `look_ahead` found answers it.
    """

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt.database, attempt.identity)
        self._attempt: Final = attempt
        self._newest: list[DictRow] | None = None

    async def look_ahead(self, scope: Scope) -> None:
        """Read the newest checkpoint of the run's session, with one question."""
        self._newest = await scope.all(
            dict[str, Any],
            f"""
            {self.SELECT_SQL}
            where thread_id = (select session_id::text from runs where id = %s) and checkpoint_ns = ''
            {NEWEST}
            """,
            (self._attempt.run_id,),
        )

    def _known(self, query: str) -> list[DictRow] | None:
        newest, self._newest = self._newest, None
        return newest if query.endswith(NEWEST) else None

    def _transaction(self) -> AbstractAsyncContextManager[Scope]:
        return self._attempt.writing()

    async def _store(self, store: Store) -> None:
        self._attempt.owe(store)


class _Reading:
    """As much of a psycopg cursor as the saver uses to read; each question is a transaction of its own.

    One whose answer is `known` needs none.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractAsyncContextManager[Scope]],
        known: Callable[[str], list[DictRow] | None],
    ) -> None:
        self._transaction: Final = transaction
        self._known: Final = known
        self._found: Iterator[DictRow] = iter(())

    async def execute(self, query: LiteralString, params: Params | None = None, *, binary: bool = False) -> None:  # noqa: ARG002 - the same rows either way
        found = self._known(query)
        if found is None:
            async with self._transaction() as scope:
                scope.ends_with_next()
                found = await scope.all(dict[str, Any], query, params)
        self._found = iter(found)

    async def fetchone(self) -> DictRow | None:
        return next(self._found, None)

    async def fetchall(self) -> list[DictRow]:
        return list(self._found)

    async def __aiter__(self) -> AsyncGenerator[DictRow]:
        for row in self._found:
            yield row


class _Written:
    """As much of a psycopg cursor as the saver uses to write: statements, until somebody stores them."""

    def __init__(self) -> None:
        self._statements: Final[list[tuple[LiteralString, Params]]] = []

    async def execute(self, query: LiteralString, params: Params) -> None:
        self._statements.append((query, params))

    async def executemany(self, query: LiteralString, rows: Iterable[Params]) -> None:
        self._statements.extend((query, row) for row in rows)

    def store(self, scope: Scope) -> None:
        for query, params in self._statements:
            scope.send(query, params)


def prune(scope: Scope, run_id: UUID) -> None:
    """Remove the writes of the checkpoints of a run's session, but for those of the newest one.

    Writes are what a superstep that died in the middle goes on from. Once the next
    checkpoint is there, it holds what came of them: history and forks read that.
    """
    scope.send(
        """
        with thread as (select session_id::text as id from runs where id = %s)
        delete from checkpoint_writes using thread
        where thread_id = thread.id and checkpoint_ns = '' and checkpoint_id < (
            select max(c.checkpoint_id) from checkpoints c where c.thread_id = thread.id and c.checkpoint_ns = '')
        """,
        (run_id,),
    )


def _place(config: RunnableConfig) -> RunnableConfig:
    """Return a configuration that says where a checkpoint goes and nothing else."""
    given = config.get("configurable", {})
    return {"configurable": {name: given[name] for name in PLACE if name in given}}
