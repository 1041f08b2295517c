"""The database's errors as the room's own: nothing above this room knows psycopg."""

from collections.abc import Callable, Mapping
from typing import Final

from psycopg import DatabaseError, DataError, IntegrityError, OperationalError

from persistence.errors import (
    Conflict,
    DatabaseUnavailable,
    Fenced,
    PersistenceError,
    StatementRefused,
    StatementTimedOut,
    StoodStill,
)

BY_SQLSTATE: Final[Mapping[str | None, Callable[[], PersistenceError]]] = {
    "PW001": Fenced,  # raised by pass_fence() in migrations/0004_runs.sql
    "57014": StatementTimedOut,  # statement_timeout
    "55P03": StatementTimedOut,  # lock_timeout
    "25P03": StoodStill,  # idle_in_transaction_session_timeout; the connection is gone with it
    "40001": Conflict,  # serialization failure
    "40P01": Conflict,  # deadlock
}


def translated(error: DatabaseError) -> Exception:
    """Return the room's own error for what is foreseen, else the error itself."""
    named = BY_SQLSTATE.get(error.sqlstate)
    if named is not None:
        return named()
    if isinstance(error, DataError | IntegrityError):
        return StatementRefused()
    if isinstance(error, OperationalError):
        return DatabaseUnavailable()
    return error
