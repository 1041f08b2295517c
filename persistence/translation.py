"""The database's errors as the room's own: nothing above this room knows psycopg."""

from typing import Final

from psycopg import DatabaseError, DataError, IntegrityError, OperationalError

from persistence.errors import DatabaseUnavailable, Fenced, StatementRefused, StatementTimedOut, StoodStill

FENCED_SQLSTATE: Final = "PW001"  # raised by pass_fence() in migrations/0004_runs.sql
TIMED_OUT_SQLSTATES: Final = frozenset({"57014", "55P03"})  # statement_timeout, lock_timeout

STOOD_STILL_SQLSTATE: Final = "25P03"  # idle_in_transaction_session_timeout; the connection is gone with it


def translated(error: DatabaseError) -> Exception:
    """Return the room's own error for what is foreseen, else the error itself."""
    if error.sqlstate == FENCED_SQLSTATE:
        return Fenced()
    if error.sqlstate in TIMED_OUT_SQLSTATES:
        return StatementTimedOut()
    if error.sqlstate == STOOD_STILL_SQLSTATE:
        return StoodStill()
    if isinstance(error, DataError | IntegrityError):
        return StatementRefused()
    if isinstance(error, OperationalError):
        return DatabaseUnavailable()
    return error
