"""Connections, one pool for each login role, handed out as scopes only."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from psycopg import AsyncConnection, DatabaseError
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from persistence.errors import DatabaseUnavailable, TransactionLost, UnsafeRole
from persistence.hanging_up import hung_up_after
from persistence.scope import Identity, Role, Scope, Secret, login, signed_context
from persistence.translation import translated

POOL_SIZE: Final = {Role.API: 6, Role.WORKER: 10, Role.EXECUTOR: 8}
CHECKOUT_TIMEOUT_SECONDS: Final = 5.0  # past this the caller gets 503 rather than a place in a longer queue
TRANSACTION_SECONDS: Final = {  # a little longer than one statement may take; past it the server is taken for gone
    Role.API: 12.0,
    Role.WORKER: 35.0,
    Role.EXECUTOR: 7.0,
}
PREPARED_AFTER: Final = {  # so many uses of a statement
    Role.API: 5,
    Role.WORKER: None,  # a name for it could be given to another statement, by text that a hole in a tool lets through
    Role.EXECUTOR: 0,  # what is prepared is a single statement: a second one in the same text is refused by the server
}
BEGINNING: Final = {  # takes back whatever the last borrower left on the connection
    Role.API: b"reset all; begin read write",
    Role.WORKER: b"reset all; deallocate all; close all; unlisten *; begin read write",
    Role.EXECUTOR: b"reset all; begin read only",  # a rollback, which ends each transaction, takes back the rest
}

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How many connections of a pool are open, how many of them are busy, and how many callers wait for one."""

    open: int
    busy: int
    awaited: int


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
        self._pools: Final = {
            role: _pool(conninfo, role, secret, sizes[role], checkout_timeout_seconds) for role in Role
        }

    async def open(self) -> None:
        """Connect every pool.

        Raises:
            DatabaseUnavailable: no connection within `CHECKOUT_TIMEOUT_SECONDS`.
            UnsafeRole: a login of ours could step around row security.
        """
        try:
            for pool in self._pools.values():
                await pool.open(wait=True, timeout=self._checkout_timeout_seconds)
            await _refuse_unsafe(self._pools[Role.API])
        except PoolTimeout as error:
            await self.close()
            raise DatabaseUnavailable from error
        except UnsafeRole:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every pool; open scopes end with their transaction rolled back."""
        for pool in self._pools.values():
            await pool.close()

    def use(self) -> dict[Role, PoolUse]:
        """Return how the pools are used right now."""
        return {role: _use(pool.get_stats()) for role, pool in self._pools.items()}

    @asynccontextmanager
    async def acting(self, role: Role, who: Identity) -> AsyncGenerator[Scope]:
        """Open a transaction as `role` in the name of `who`; commit it at the end, or roll back an executor's.

        A worker that names a run passes that run's fence first, so that every
        write of a run is a write of the attempt that holds it.

        Raises:
            DatabaseUnavailable: no connection came free in time, or it broke.
            StatementTimedOut: a statement ran past its role's limit.
            StatementRefused: the database refused the values of a statement.
            Fenced: the run has ended or another attempt holds it.
            StoodStill: nothing was asked for so long that the server ended the transaction.
            TransactionLost: a statement failed, and whoever sent it went on as if it had not.
        """
        try:
            async with _checked_out(self._pools[role]) as connection:
                with hung_up_after(connection, TRANSACTION_SECONDS[role]):
                    await _enter(connection, signed_context(self._key, role, who), _is_fenced(role, who))
                    scope = Scope(connection)
                    async with _given_up_when_ended(connection):
                        yield scope
                        _refuse_lost(connection)
                    await _end(connection, role)
        except DatabaseError as error:
            raise translated(error) from error
        scope.committed()


@asynccontextmanager
async def _checked_out(pool: Pool) -> AsyncGenerator[Connection]:
    """Take a connection from a pool.

    A task that is cancelled at the moment in which the pool hands it a connection
    is not told so: up to Python 3.11, `asyncio.wait_for` forgets the cancellation.
    """
    task = asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"
    cancelled_before = task.cancelling()
    async with pool.connection() as connection:
        if task.cancelling() > cancelled_before:
            raise asyncio.CancelledError
        yield connection


def _use(stats: Mapping[str, int]) -> PoolUse:
    size = stats["pool_size"]
    return PoolUse(size, size - stats["pool_available"], stats["requests_waiting"])


def _pool(conninfo: str, role: Role, secret: Secret, size: int, checkout_timeout_seconds: float) -> Pool:
    """Make (not open) a role's pool."""
    return AsyncConnectionPool(
        login(conninfo, role, secret),
        min_size=1,
        max_size=size,
        timeout=checkout_timeout_seconds,
        open=False,
        check=_beginning(role),
        kwargs={"autocommit": True, "prepare_threshold": PREPARED_AFTER[role]},
    )


def _beginning(role: Role) -> Callable[[Connection], Awaitable[None]]:
    """Return what a connection goes through when it is handed out: a round trip, which also shows that it is alive."""

    async def begin(connection: Connection) -> None:
        with hung_up_after(connection, CHECKOUT_TIMEOUT_SECONDS):
            await connection.execute(BEGINNING[role], prepare=False)

    return begin


def _is_fenced(role: Role, who: Identity) -> bool:
    return role is Role.WORKER and who.run_id is not None


async def _enter(connection: Connection, context: str, fenced: bool) -> None:  # noqa: FBT001
    """Set the context, and pass the run's fence, in one statement.

    The context travels as a parameter: the text of a statement is shown in
    pg_stat_activity to every connection of the same role, and whoever reads a
    context there could act in its name.
    """
    await connection.execute(
        """
        with entered as materialized (select set_config('planwright.context', %s, true))
        select pass_fence() from entered
        """
        if fenced
        else "select set_config('planwright.context', %s, true)",
        (context,),
        prepare=False,
    )


def _refuse_lost(connection: Connection) -> None:
    """Raise when COMMIT would end nothing: Postgres answers it with a silent ROLLBACK."""
    if connection.info.transaction_status in {TransactionStatus.INERROR, TransactionStatus.IDLE}:
        raise TransactionLost


@asynccontextmanager
async def _given_up_when_ended(connection: Connection) -> AsyncGenerator[None]:
    """Close a connection whose transaction a statement of the borrower's ended: what came after is not ours to undo."""
    try:
        yield
    finally:
        if connection.info.transaction_status is TransactionStatus.IDLE:
            await connection.close()


async def _end(connection: Connection, role: Role) -> None:
    """Commit; or, as an executor has nothing to store, roll back, which leaves nothing to the next borrower either.

    Cursors, notifications and settings go with the transaction, and psycopg has every
    prepared statement deallocated, those that somebody else gave its names to included.
    """
    if role is Role.EXECUTOR:
        await connection.rollback()
    else:
        await connection.commit()


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
