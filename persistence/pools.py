"""Connections, one pool for each login role, handed out as scopes only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from psycopg import AsyncConnection, DatabaseError, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from persistence.errors import DatabaseUnavailable, Fenced, StatementTimedOut, UnsafeRole
from persistence.scope import Identity, Role, Scope, Secret, signed_context

POOL_SIZE: Final = {Role.API: 6, Role.WORKER: 10, Role.EXECUTOR: 8}
CHECKOUT_TIMEOUT_SECONDS: Final = 5.0  # past this the caller gets 503 rather than a place in a longer queue
FENCED_SQLSTATE: Final = "PW001"  # raised by pass_fence() in migrations/0004_runs.sql
TIMED_OUT_SQLSTATES: Final = frozenset({"57014", "55P03"})  # statement_timeout, lock_timeout

Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]


class Database:
    """The program's only way to Postgres."""

    def __init__(self, conninfo: str, secret: Secret) -> None:
        self._key: Final = secret.signing_key()
        self._pools: Final = {role: _pool(conninfo, role, secret) for role in Role}

    async def open(self) -> None:
        """Connect every pool.

        Raises:
            DatabaseUnavailable: no connection within `CHECKOUT_TIMEOUT_SECONDS`.
            UnsafeRole: a role is superuser or has BYPASSRLS.
        """
        for role, pool in self._pools.items():
            try:
                await pool.open(wait=True, timeout=CHECKOUT_TIMEOUT_SECONDS)
            except PoolTimeout as error:
                await self.close()
                raise DatabaseUnavailable from error
            await _refuse_unsafe(pool, role)

    async def close(self) -> None:
        """Close every pool; open scopes end with their transaction rolled back."""
        for pool in self._pools.values():
            await pool.close()

    @asynccontextmanager
    async def acting(self, role: Role, who: Identity) -> AsyncIterator[Scope]:
        """Open a transaction as `role` in the name of `who`; commit it at the end.

        A worker that names a run passes that run's fence first, so that every
        write of a run is a write of the attempt that holds it.

        Raises:
            DatabaseUnavailable: no connection came free in time, or it broke.
            StatementTimedOut: a statement ran past its role's limit.
            Fenced: the run has ended or another attempt holds it.
        """
        opening = _opening(self._key, role, who)
        try:
            async with self._pools[role].connection() as connection:
                await connection.execute(opening, prepare=False)
                scope = Scope(connection)
                yield scope
        except DatabaseError as error:
            raise _translated(error) from error
        scope.committed()


def _pool(conninfo: str, role: Role, secret: Secret) -> Pool:
    """Prepare (not open) a role's pool.

    Executor connections prepare every statement at once: a prepared statement
    is a single one, so text that smuggles in a second is refused by the server.
    """
    return AsyncConnectionPool(
        make_conninfo(conninfo, user=role, password=secret.password(role), application_name=role),
        min_size=1,
        max_size=POOL_SIZE[role],
        timeout=CHECKOUT_TIMEOUT_SECONDS,
        open=False,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "prepare_threshold": 0 if role is Role.EXECUTOR else 5},
    )


def _opening(key: bytes, role: Role, who: Identity) -> bytes:
    """Return BEGIN, the context and the fence as one string: one round trip."""
    mode = "read only" if role is Role.EXECUTOR else "read write"
    fence = "; select pass_fence()" if role is Role.WORKER and who.run_id else ""
    context = signed_context(key, role, who)
    return f"begin {mode}; set local planwright.context = '{context}'{fence}".encode()


def _translated(error: DatabaseError) -> Exception:
    """Return the room's own error for what is foreseen, else the error itself."""
    if error.sqlstate == FENCED_SQLSTATE:
        return Fenced()
    if error.sqlstate in TIMED_OUT_SQLSTATES:
        return StatementTimedOut()
    if isinstance(error, OperationalError):
        return DatabaseUnavailable()
    return error


async def _refuse_unsafe(pool: Pool, role: Role) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        )
        row = await cursor.fetchone()
    if row is None or row[0]:
        raise UnsafeRole(role)
