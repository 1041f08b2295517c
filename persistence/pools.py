"""Connections, one pool for each login role, handed out as scopes only."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, LiteralString
from uuid import UUID
from weakref import WeakValueDictionary

from psycopg import DatabaseError, Error
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from persistence.errors import DatabaseUnavailable, TransactionLost, UnsafeRole
from persistence.gate import Gate
from persistence.hanging_up import IdleConnections, hung_up_after
from persistence.pipelined import NamingConnection, PipelinedConnection
from persistence.precedence import Precedence
from persistence.scope import Identity, Role, Scope, Secret, login, signed_context
from persistence.translation import translated

POOL_SIZE: Final = {Role.API: 6, Role.WORKER: 10, Role.EXECUTOR: 8}
LENT_MAX: Final = 4  # of a worker's connections that tools write on; a run has one such transaction at a time
RUNS_MAX: Final = 4  # of a worker's own connections that runs take at once; the others are for who is of no run
CHECKOUT_TIMEOUT_SECONDS: Final = 5.0  # past this the caller gets 503 rather than a place in a longer queue
TRANSACTION_SECONDS: Final = {  # a little longer than one statement may take; past it the server is taken for gone
    Role.API: 12.0,
    Role.WORKER: 35.0,
    Role.EXECUTOR: 7.0,
}
CLEARING: Final[Mapping[Role, tuple[LiteralString, ...]]] = {  # takes back whatever a tool left on the connection
    Role.WORKER: ("reset all", "deallocate all", "close all", "unlisten *"),
    Role.EXECUTOR: ("reset all", "deallocate all"),  # the rest went with the rollback that ended its transaction
}

Pool = AsyncConnectionPool[PipelinedConnection]


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How many connections of a pool are open, how many of them are busy, and how many callers wait for one.

    Who waits at the gate waits for one as well.
    """

    open: int
    busy: int
    awaited: int

    def __add__(self, other: "PoolUse") -> "PoolUse":
        return PoolUse(self.open + other.open, self.busy + other.busy, self.awaited + other.awaited)


class Database:
    """The program's only way to Postgres."""

    def __init__(
        self,
        conninfo: str,
        secret: Secret,
        *,
        sizes: Mapping[Role, int] = POOL_SIZE,
        checkout_timeout_seconds: float = CHECKOUT_TIMEOUT_SECONDS,
    ) -> None:
        self._key: Final = secret.signing_key()
        self._checkout_timeout_seconds: Final = checkout_timeout_seconds
        self.precedence: Final = Precedence()
        self._turns: Final = WeakValueDictionary[UUID, asyncio.Lock]()
        self._gate: Final = Gate(min(sizes[Role.WORKER], RUNS_MAX))
        self._idle: Final = IdleConnections()
        make = partial(_pool, conninfo, secret, checkout_timeout_seconds)
        self._pools: Final = {
            (Role.API, False): make(Role.API, sizes[Role.API]),
            (Role.WORKER, False): make(Role.WORKER, sizes[Role.WORKER]),
            (Role.WORKER, True): make(Role.WORKER, min(sizes[Role.WORKER], LENT_MAX), lent=True),
            (Role.EXECUTOR, True): make(Role.EXECUTOR, sizes[Role.EXECUTOR], lent=True),
        }

    def _turn(self, run_id: UUID | None) -> AbstractAsyncContextManager[None]:
        """Return the turn of a run's transaction: here they wait for each other without a connection each."""
        return nullcontext() if run_id is None else self._turns.setdefault(run_id, asyncio.Lock())

    async def open(self) -> None:
        """Connect every pool.

        Raises:
            DatabaseUnavailable: no connection within `CHECKOUT_TIMEOUT_SECONDS`.
            UnsafeRole: a login of ours could step around row security.
        """
        try:
            for pool in self._pools.values():
                await pool.open(wait=True, timeout=self._checkout_timeout_seconds)
            await _refuse_unsafe(self._pools[Role.API, False])
        except PoolTimeout as error:
            await self.close()
            raise DatabaseUnavailable from error
        except UnsafeRole:
            await self.close()
            raise

    async def expect_many(self, role: Role) -> None:
        """Have all connections of a role opened soon, and kept: a crowd would wait for them one after the other."""
        pool = self._pools[role, False]
        await pool.resize(pool.max_size, pool.max_size)

    async def close(self) -> None:
        """Close every pool; open scopes end with their transaction rolled back."""
        for pool in self._pools.values():
            await pool.close()

    def use(self) -> dict[Role, PoolUse]:
        """Return how the pools are used right now."""
        used = dict.fromkeys(Role, PoolUse(0, 0, 0))
        for (role, _), pool in self._pools.items():
            used[role] += _use(pool.get_stats())
        used[Role.WORKER] += PoolUse(0, 0, self._gate.awaited)
        return used

    @asynccontextmanager
    async def acting(
        self, role: Role, who: Identity, *, lent: bool = False, first: Callable[[Scope], None] | None = None
    ) -> AsyncGenerator[Scope]:
        """Open a transaction as `role` in the name of `who`; commit it at the end, or roll back an executor's.

        A worker that names a run passes that run's fence first, so that every
        write of a run is a write of the attempt that holds it; of one run there is
        one such transaction at a time. Of many runs, the one that began first goes first.
        Nothing opens a worker's transaction inside of another one: it would wait for itself.

        A scope is `lent` when a tool gets it, as an executor's always is: what it may
        have left on the connection is cleared before anybody else has it. What `first`
        sends stands in front of what is done inside.

        It has begun when its first outcome is waited for: until then there is nothing
        that the fence or the database could refuse.

        Raises:
            DatabaseUnavailable: no connection came free in time, or it broke.
            StatementTimedOut: a statement ran past its role's limit.
            StatementRefused: the database refused the values of a statement.
            Fenced: the run has ended or another attempt holds it.
            StoodStill: nothing was asked for so long that the server ended the transaction.
            TransactionLost: a statement failed, and whoever sent it went on as if it had not.
        """
        lent = lent or role is Role.EXECUTOR
        run_id = _fenced_run(role, who)
        scope: Scope | None = None
        try:
            async with self._turn(run_id), self._connection(role, lent) as connection:
                with hung_up_after(connection, TRANSACTION_SECONDS[role]):
                    scope = Scope(connection, "rollback" if role is Role.EXECUTOR else "commit")
                    for statement in CLEARING[role] if lent else ():
                        scope.send(statement)
                    scope.send("begin read only" if role is Role.EXECUTOR else "begin read write")
                    _enter(scope, signed_context(self._key, role, who), run_id is not None)
                    try:
                        if first is not None:
                            first(scope)
                        yield scope
                        _refuse_lost(scope)
                    except BaseException:
                        connection.forget()
                        raise
                    finally:
                        await _give_up_when_ended(scope)
                    if role is Role.EXECUTOR and (not scope.ended or connection.psycopg_ran):
                        await connection.rollback()
                    elif not scope.ended:
                        await scope.commit()
        except asyncio.CancelledError:
            if scope is not None and scope.is_committed:
                scope.committed()
            raise
        except DatabaseError as error:
            raise translated(error) from error
        scope.committed()

    @asynccontextmanager
    async def _connection(self, role: Role, lent: bool) -> AsyncGenerator[PipelinedConnection]:  # noqa: FBT001
        """Take a connection, and give it back; what an exception leaves undone is rolled back.

        Runs wait at the gate for a worker's own, for as long as the runs before them get on. One that is let in and
        finds none in time sends the others away: they would find none either.

        The pool's `connection()` would also commit what has ended long ago, and wait for that.
        """
        pool, in_order = self._pools[role, lent], role is Role.WORKER and not lent
        async with self._gate if in_order else nullcontext():
            try:
                connection = await _answering(pool, self._idle)
            except PoolTimeout:
                if in_order:
                    self._gate.turn_back()
                raise
            try:
                yield connection
            except BaseException:
                with suppress(Error):
                    await connection.rollback()
                raise
            finally:
                await pool.putconn(connection)


async def _answering(pool: Pool, idle: IdleConnections) -> PipelinedConnection:
    """Take a connection that answers, and have those that do not replaced.

    A pool that checks them itself pauses behind each, twice as long every time: of a server that
    was started again nobody would get a connection in time.
    """
    deadline = monotonic() + pool.timeout
    while True:
        connection = await _taken(pool, deadline - monotonic())
        try:
            await _hold_open(idle, connection)
        except Error:
            await pool.putconn(connection)
        except BaseException:
            await pool.putconn(connection)
            raise
        else:
            return connection


async def _taken(pool: Pool, timeout_seconds: float) -> PipelinedConnection:
    """Take a connection from a pool.

    A task that is cancelled at the moment in which the pool hands it a connection
    is not told so: up to Python 3.11, `asyncio.wait_for` forgets the cancellation.
    """
    task = asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"
    cancelled_before = task.cancelling()
    connection = await pool.getconn(timeout_seconds)
    if task.cancelling() > cancelled_before:
        await pool.putconn(connection)
        raise asyncio.CancelledError
    return connection


def _use(stats: Mapping[str, int]) -> PoolUse:
    size = stats["pool_size"]
    return PoolUse(size, size - stats["pool_available"], stats["requests_waiting"])


def _pool(
    conninfo: str,
    secret: Secret,
    checkout_timeout_seconds: float,
    role: Role,
    size: int,
    *,
    lent: bool = False,
) -> Pool:
    """Make (not open) a pool of a role; its statements have names unless it is lent.

    On a lent connection a name could be given to another statement, by text that a hole in a tool lets through.
    What an executor hands to psycopg itself is prepared, for that is a single statement: the server refuses a second.
    """
    return AsyncConnectionPool(
        login(conninfo, role, secret),
        connection_class=PipelinedConnection if lent else NamingConnection,
        min_size=1,
        max_size=size,
        timeout=checkout_timeout_seconds,
        open=False,
        kwargs={"autocommit": True, "prepare_threshold": 0 if role is Role.EXECUTOR else None},
    )


async def _hold_open(idle: IdleConnections, connection: PipelinedConnection) -> None:
    async def ask() -> None:
        connection.send("select")
        await connection.answer()

    await idle.hold_open(connection, connection.heard_at, ask)


def _fenced_run(role: Role, who: Identity) -> UUID | None:
    """Return the run whose fence a transaction has to pass."""
    return who.run_id if role is Role.WORKER else None


def _enter(scope: Scope, context: str, fenced: bool) -> None:  # noqa: FBT001
    """Set the context, and pass the run's fence, in one statement.

    The context travels as a parameter: the text of a statement is shown in
    pg_stat_activity to every connection of the same role, and whoever reads a
    context there could act in its name.
    """
    scope.send(
        """
        with entered as materialized (select set_config('planwright.context', %s, true))
        select pass_fence() from entered
        """
        if fenced
        else "select set_config('planwright.context', %s, true)",
        (context,),
    )


def _refuse_lost(scope: Scope) -> None:
    """Raise when COMMIT would end nothing: Postgres answers it with a silent ROLLBACK."""
    lost = TransactionStatus.INERROR, TransactionStatus.IDLE
    if scope.begun and not scope.ended and scope.connection.pgconn.transaction_status in lost:
        raise TransactionLost


async def _give_up_when_ended(scope: Scope) -> None:
    """Close a connection whose transaction a statement of the borrower's ended: what came after is not ours to undo."""
    is_idle = scope.connection.pgconn.transaction_status == TransactionStatus.IDLE
    if scope.begun and is_idle and not scope.ended:
        await scope.connection.close()


async def _refuse_unsafe(pool: Pool) -> None:
    """Refuse a login of ours that is, or may become, one that row security does not hold."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            """
            select r.rolname from pg_roles r
            join pg_roles held on pg_has_role(r.oid, held.oid, 'member')
            where r.rolname ~ '^planwright_(api|worker|executor|dispatch|migrate)$' and (
                held.rolsuper or held.rolbypassrls or held.rolname ~ '^pg_'
                or held.rolname = 'planwright_owner' and r.rolname <> 'planwright_migrate')
            order by r.rolname
            """
        )
        unsafe = await cursor.fetchone()
    if unsafe is not None:
        raise UnsafeRole(unsafe[0])
