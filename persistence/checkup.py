"""What a database says about itself, for `planwright doctor`: asked as the administrator, changing nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import Connection, OperationalError
from psycopg.rows import class_row
from psycopg.sql import SQL, Identifier

from persistence.errors import DatabaseUnavailable
from persistence.migrate import MIGRATE, OWNER, SCHEMA
from persistence.public_rights import left_open
from persistence.queue import SHARED
from persistence.scope import DISPATCH, Role, Secret, login

CONNECT_TIMEOUT_SECONDS: Final = 5
OVERDUE_SECONDS: Final = 10.0  # a free worker takes a run within milliseconds


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A login role, and on how many of our tables it may do what."""

    name: str
    superuser: bool
    bypasses_rls: bool
    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server: its version as a number (170006 is 17.6), its clock, and whether it takes writes."""

    version: int
    clock: datetime
    writable: bool


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """How many processes work on runs, how many runs have waited for one longer than they should, and the upkeep.

    `upkeep_seconds` is how long ago the last round of upkeep began; infinite when there was none.
    """

    workers: int
    overdue: int
    upkeep_seconds: float


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Everything a check-up asks for; no migrations and no queue when the schema is not there."""

    server: ServerFacts
    roles: list[RoleFacts]
    ran: dict[str, str]
    unprotected: list[str]
    queue: QueueFacts | None
    left_open: tuple[str, ...] = ()  # what a superuser could take from executors, and nobody did


@dataclass(frozen=True, slots=True)
class _Ran:
    name: str
    checksum: str


@dataclass(frozen=True, slots=True)
class _Table:
    name: str


def examine(conninfo: str, secret: Secret) -> DatabaseFacts:
    """Return what the database says about itself.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    try:
        with Connection.connect(conninfo, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            ran, queue = _as_owner(conninfo, secret)
            return DatabaseFacts(
                _server(connection),
                _roles(connection),
                ran,
                _unprotected(connection),
                queue,
                left_open=tuple(left_open(connection)) if ran else (),
            )
    except OperationalError as error:
        raise DatabaseUnavailable from error


def _as_owner(conninfo: str, secret: Secret) -> tuple[dict[str, str], QueueFacts | None]:
    """Return what only the owner of our tables may read, whom an administrator need not be; or nothing."""
    try:
        with Connection.connect(login(conninfo, MIGRATE, secret), autocommit=True) as connection:
            connection.execute(SQL("set role {}").format(Identifier(OWNER)))
            return _ran(connection), _queue(connection)
    except OperationalError:
        return {}, None


def _server(connection: Connection) -> ServerFacts:
    with connection.cursor(row_factory=class_row(ServerFacts)) as cursor:
        cursor.execute(
            """
            select current_setting('server_version_num')::int as version, clock_timestamp() as clock,
                not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off' as writable
            """
        )
        facts = cursor.fetchone()
    assert facts is not None, "a select without from yields one row"
    return facts


def _roles(connection: Connection) -> list[RoleFacts]:
    """Count tables by right; rights reach a role through the roles it is in as well."""
    with connection.cursor(row_factory=class_row(RoleFacts)) as cursor:
        cursor.execute(
            """
            select r.rolname as name, r.rolsuper as superuser, r.rolbypassrls as bypasses_rls,
                count(c.oid) filter (where has_table_privilege(r.oid, c.oid, 'select')) as reads,
                count(c.oid) filter (where has_any_column_privilege(r.oid, c.oid, 'insert, update')
                    or has_table_privilege(r.oid, c.oid, 'delete, truncate')) as writes
            from pg_roles r
            left join pg_class c on c.relkind = 'r' and c.relnamespace = to_regnamespace(%s)
            where r.rolname = any(%s)
            group by r.oid, r.rolname, r.rolsuper, r.rolbypassrls
            order by r.rolname
            """,
            (SCHEMA, [*Role, DISPATCH]),
        )
        return cursor.fetchall()


def _ran(connection: Connection) -> dict[str, str]:
    known = connection.execute("select to_regclass(%s)", (f"{SCHEMA}.schema_migrations",)).fetchone()
    if known is None or known[0] is None:
        return {}
    with connection.cursor(row_factory=class_row(_Ran)) as cursor:
        cursor.execute("select name, checksum from planwright.schema_migrations")
        return {row.name: row.checksum for row in cursor}


def _unprotected(connection: Connection) -> list[str]:
    """Return the tables that hold somebody's rows and do not force row security."""
    with connection.cursor(row_factory=class_row(_Table)) as cursor:
        cursor.execute(
            """
            select c.relname as name
            from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
            where c.relkind = 'r' and c.relnamespace = to_regnamespace(%s)
                and not (c.relrowsecurity and c.relforcerowsecurity)
            order by c.relname
            """,
            (SCHEMA,),
        )
        return [row.name for row in cursor]


def _queue(connection: Connection) -> QueueFacts | None:
    known = connection.execute("select to_regclass('planwright.upkeep')").fetchone()
    if known is None or known[0] is None:
        return None
    with connection.cursor(row_factory=class_row(QueueFacts)) as cursor:
        cursor.execute(
            """
            select
                (select count(*) from planwright_queue.procrastinate_workers
                    where last_heartbeat > clock_timestamp() - make_interval(secs => %(overdue)s)) as workers,
                (select count(*) from planwright_queue.procrastinate_jobs job
                    where status = 'todo' and queue_name = %(shared)s and not exists (
                        select from planwright_queue.procrastinate_events e
                        where e.job_id = job.id and e.at > clock_timestamp() - make_interval(secs => %(overdue)s))
                ) as overdue,
                (select extract(epoch from clock_timestamp() - began_at)::float8 from planwright.upkeep)
                    as upkeep_seconds
            """,
            {"overdue": OVERDUE_SECONDS, "shared": SHARED},
        )
        return cursor.fetchone()
