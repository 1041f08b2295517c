"""Writes that meet other transactions: undone for another's sake, or waiting for a lock that is not freed."""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import pytest
from psycopg import AsyncConnection, DatabaseError
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.rows import TupleRow

from persistence.again import TRIES, unless_in_conflict
from persistence.errors import Conflict
from persistence.translation import translated
from tests.server.reading import until
from tests.tools.bench import asked, set_up
from tests.workspace_rows import Desk
from tools.registry import Registry
from tools.tool import Args, Caller, Tool, ToolAnswer, answered

RENAME: Final = "update planwright.notes set title = %s where id = %s"


class Nothing(Args):
    """Take nothing."""


@dataclass
class Crossing:
    """Two transactions that take two rows in opposite order, so that Postgres undoes the tool's."""

    admin: AsyncConnection[TupleRow]
    first: UUID
    second: UUID
    tries: int = 0
    other: asyncio.Task[None] | None = None

    async def run(self, _args: Nothing, caller: Caller) -> ToolAnswer:
        """Write a row and take two others; the first time, the other transaction waits for the first of them then."""
        self.tries += 1
        scope = caller.writing()
        await scope.execute("insert into notes (title, content) values ('made', 'by the tool')")
        await scope.execute(RENAME, ("tool", self.first))
        if self.other is None:
            self.other = asyncio.create_task(self._cross())
            await until(self._waits)
        await scope.execute(RENAME, ("tool", self.second))
        return answered("Done.")

    async def _cross(self) -> None:
        async with self.admin.transaction():
            await self.admin.execute("set local deadlock_timeout = '60s'")  # Postgres undoes whoever notices it
            await self.admin.execute(RENAME, ("other", self.second))
            await self.admin.execute(RENAME, ("other", self.first))

    async def _waits(self) -> bool:
        async with await AsyncConnection.connect(self.admin.info.dsn, password=self.admin.info.password) as looking:
            row = await (
                await looking.execute("select cardinality(pg_blocking_pids(%s)) > 0", (self.admin.info.backend_pid,))
            ).fetchone()
        return row is not None and bool(row[0])


async def test_a_write_in_a_deadlock_is_done_again_and_once(desk: Desk, admin_dsn: str) -> None:
    """The call that Postgres undid runs again in a new transaction: one effect, one row of the ledger."""
    first, second = [await desk.add("notes", title=title, content="x") for title in ("first", "second")]
    async with await AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        crossing = Crossing(admin, first, second)
        bench = await set_up(desk, Registry.of([Tool(name="act", args=Nothing, run=crossing.run)]))
        answer = await bench.call(bench.planner, asked("act"))
        assert crossing.other is not None
        await crossing.other
    assert (answer.code, crossing.tries) == (None, 2)
    assert await bench.states() == [("act", "applied", None)]
    assert await desk.count("notes") == 3


async def test_a_transaction_is_tried_three_times() -> None:
    """Whoever is in everybody's way is told so in the end."""
    tries: list[int] = []

    async def fail() -> None:
        tries.append(1)
        raise Conflict

    with pytest.raises(Conflict):
        await unless_in_conflict(fail)
    assert len(tries) == TRIES == 3


@pytest.mark.parametrize("error", [DeadlockDetected(), SerializationFailure()], ids=["deadlock", "serialization"])
def test_both_conflicts_of_postgres_are_ours(error: DatabaseError) -> None:
    """A deadlock and a serialization failure mean the same: once more may succeed."""
    assert isinstance(translated(error), Conflict)


async def test_a_lock_that_is_not_freed_is_said(desk: Desk, admin_dsn: str) -> None:
    """A row that an idle transaction holds costs the call its time and an answer that says so, and no effect."""
    row = await desk.add("notes", title="held", content="x")

    async def run(_args: Nothing, caller: Caller) -> ToolAnswer:
        scope = caller.writing()
        await scope.execute("set local lock_timeout = 50")
        await scope.execute("insert into notes (title, content) values ('made', 'by the tool')")
        await scope.execute(RENAME, ("tool", row))
        return answered("Done.")

    bench = await set_up(desk, Registry.of([Tool(name="act", args=Nothing, run=run)]))
    async with await AsyncConnection.connect(admin_dsn) as idle:
        await idle.execute(RENAME, ("idle", row))
        answer = await bench.call(bench.planner, asked("act"))
        await idle.rollback()
    assert answer.code == "tool_timeout"
    assert await bench.states() == [("act", "failed", "tool_timeout")]
    assert await desk.count("notes") == 1
