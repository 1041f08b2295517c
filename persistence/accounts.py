"""All users, as the installation's administrator sees them: none of the program's logins does."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import Connection, OperationalError
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL, Identifier

from persistence.errors import DatabaseUnavailable, SubjectTaken
from persistence.migrate import MIGRATE, OWNER, SCHEMA
from persistence.scope import Secret, login

SHOWN_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Account:
    """A user: by an address, by an issuer's subject, or by both."""

    id: UUID
    email: str | None
    subject: str | None
    disabled_at: datetime | None


class Accounts:
    """One transaction over all users."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection: Final = connection

    def newest(self) -> list[Account]:
        """Return the newest users, the newest first."""
        with self._connection.cursor(row_factory=class_row(Account)) as cursor:
            cursor.execute(
                "select id, email, subject, disabled_at from users order by created_at desc, id limit %s", (SHOWN_MAX,)
            )
            return cursor.fetchall()

    def link(self, email: str, issuer: str, subject: str, time_zone: str) -> None:
        """Let an issuer's subject in as the user with that address, who is made if absent.

        Raises:
            SubjectTaken: it is somebody else's.
        """
        try:
            self._connection.execute(
                """
                insert into users (email, issuer, subject, time_zone) values (lower(%s), %s, %s, %s)
                on conflict (email) do update set issuer = excluded.issuer, subject = excluded.subject
                """,
                (email, issuer, subject, time_zone),
            )
        except UniqueViolation:
            raise SubjectTaken from None

    def admit(self, user: str, *, admitted: bool) -> bool:
        """Let a user in again, or shut them out, by address or id; False when there is none such."""
        cursor = self._connection.execute(
            """
            update users set disabled_at = case when not %(admitted)s then coalesce(disabled_at, now()) end
            where email = lower(%(user)s) or id::text = %(user)s
            """,
            {"admitted": admitted, "user": user},
        )
        return cursor.rowcount > 0


@contextmanager
def administered(admin_conninfo: str, secret: Secret) -> Generator[Accounts]:
    """Open a transaction over all users, as the owner of all tables.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    try:
        connection = Connection[TupleRow].connect(login(admin_conninfo, MIGRATE, secret))
    except OperationalError as error:
        raise DatabaseUnavailable from error
    with connection:
        connection.execute(SQL("set role {}").format(Identifier(OWNER)))
        connection.execute(SQL("set search_path = {}, pg_temp").format(Identifier(SCHEMA)))
        yield Accounts(connection)
