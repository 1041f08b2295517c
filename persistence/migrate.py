"""Bring a database to the release's schema: roles first, then numbered SQL files.

Everything runs under one advisory lock, so any number of processes may start at
once. Each file runs in a transaction of its own and is immutable: its checksum
is kept, and a changed file stops the start.
"""

import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, LiteralString

from psycopg import Connection, OperationalError
from psycopg.errors import DuplicateObject, InternalError_, UniqueViolation
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier, Literal

from persistence import public_rights, queue_schema
from persistence.errors import DatabaseUnavailable, MigrationChanged, OnReplica, SchemaIsNewer
from persistence.scope import DISPATCH, Role, Secret, login, padded_keys

OWNER: Final = "planwright_owner"
MIGRATE: Final = "planwright_migrate"
SCHEMA: Final = "planwright"
ADVISORY_LOCK: Final = 0x506C616E  # "Plan"
LOCK_POLL_SECONDS: Final = 0.05
ROLE_TRIES: Final = 10  # as many installations of one server may start at one moment
LOGINS: Final = (*Role, DISPATCH)
STATEMENT_TIMEOUT_SECONDS: Final = {Role.API: 10, Role.WORKER: 30, Role.EXECUTOR: 5, DISPATCH: 10}
LOCK_TIMEOUT_SECONDS: Final = 10
WORK_MEM: Final = "8MB"  # before a sort goes to disk, twice Postgres's own default
IDLE_TRANSACTION_SECONDS: Final = 5  # a worker that stands still holds its run's row; whoever takes over waits for it


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file of `persistence/migrations`."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the release's migrations in order."""
    folder = files("persistence").joinpath("migrations")
    found = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return [Migration(file.name, file.read_text("utf-8")) for file in sorted(found, key=lambda file: file.name)]


def migrate(admin_conninfo: str, secret: Secret) -> list[str]:
    """Create or update roles and schema; return the names of the files that ran.

    `admin_conninfo` names a login that may create roles and owns the database
    (or is a superuser); it is used for the roles only.

    Raises:
        DatabaseUnavailable: it cannot be connected to.
        OnReplica: it is a replica.
        MigrationChanged: a file differs from the one that ran.
        SchemaIsNewer: the database knows a file that this release does not.
    """
    with _connected(admin_conninfo) as admin, _alone(admin):
        _refuse_replica(admin)
        _settle_roles(admin, secret)
        public_rights.withdraw(admin, OWNER, DISPATCH)
        with _connected(login(admin_conninfo, MIGRATE, secret)) as owner:
            owner.execute(SQL("set role {}").format(Identifier(OWNER)))
            owner.execute(SQL("create schema if not exists {}").format(Identifier(SCHEMA)))
            owner.execute(SQL("set search_path = {}, pg_temp").format(Identifier(SCHEMA)))
            _make_checkpoint_tables(owner)
            queue_schema.install(owner)
            ran = _run_pending(owner)
            queue_schema.grant(owner, DISPATCH)
            _store_signing_key(owner, secret)
    return ran


def _make_checkpoint_tables(owner: Connection[DictRow]) -> None:
    """Have LangGraph create or update its own tables."""
    from langgraph.checkpoint.postgres import PostgresSaver

    PostgresSaver(owner).setup()


@contextmanager
def _connected(conninfo: str) -> Generator[Connection[DictRow]]:
    try:
        connection = Connection[DictRow].connect(conninfo, autocommit=True, row_factory=dict_row)
    except OperationalError as error:
        raise DatabaseUnavailable from error
    with connection:
        yield connection


def _refuse_replica(admin: Connection[DictRow]) -> None:
    if admin.execute("select where pg_is_in_recovery()").fetchone() is not None:
        raise OnReplica


@contextmanager
def _alone(admin: Connection[DictRow]) -> Generator[None]:
    """Let one process at a time migrate a database.

    The lock is asked for again and again instead of waited for: the checkpoint
    tables' indexes are made concurrently, which waits until every statement that
    runs in the database has ended, the one that waits for this lock included.
    """
    while not _holds(admin.execute("select pg_try_advisory_lock(%s) as holds", (ADVISORY_LOCK,)).fetchone()):
        time.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        admin.execute("select pg_advisory_unlock(%s)", (ADVISORY_LOCK,))


def _holds(row: DictRow | None) -> bool:
    return row is not None and bool(row["holds"])


def _settle_roles(admin: Connection[DictRow], secret: Secret) -> None:
    """Make the roles, again when another database's migration was at them at the same moment.

    Roles belong to all databases of a server and advisory locks to one, so two
    installations can meet here; Postgres lets the second fail once the first is done.
    """
    for _ in range(ROLE_TRIES - 1):
        try:
            return _make_roles(admin, secret)
        except (InternalError_, UniqueViolation, DuplicateObject):
            continue
    return _make_roles(admin, secret)


def _make_roles(admin: Connection[DictRow], secret: Secret) -> None:
    """Create the six roles where absent, and set what they may do and their passwords."""
    with admin.transaction():
        _ensure_role(admin, OWNER, "nologin")
        for role in (MIGRATE, *LOGINS):
            _ensure_role(admin, role, "login")
            _set_password(admin, role, secret.password(role))
        for role in LOGINS:
            _limit(admin, role)
        _give_database(admin)


def _ensure_role(admin: Connection[DictRow], role: str, login: LiteralString) -> None:
    """Create a role, or take back what it was given beyond its login; one that is in order is left alone.

    An administrator who may not create databases may not say of a role that it may not, either.
    """
    known = admin.execute(
        "select rolcreatedb or rolcreaterole or rolcanlogin <> %s as off from pg_roles where rolname = %s",
        (login == "login", role),
    ).fetchone()
    if known is None:
        admin.execute(SQL("create role {} {}").format(Identifier(role), SQL(login)))
    elif known["off"]:
        admin.execute(SQL("alter role {} {} nocreatedb nocreaterole").format(Identifier(role), SQL(login)))


def _set_password(admin: Connection[DictRow], role: str, password: str) -> None:
    """Send the password as a SCRAM verifier, so that no log line holds it."""
    verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    admin.execute(SQL("alter role {} password {}").format(Identifier(role), Literal(verifier)))


def _limit(admin: Connection[DictRow], role: str) -> None:
    settings = {
        "search_path": f"{queue_schema.SCHEMA if role == DISPATCH else SCHEMA}, pg_temp",
        "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS[role]}s",
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
        "default_transaction_read_only": "on" if role is Role.EXECUTOR else "off",
        "work_mem": WORK_MEM,
        "enable_bitmapscan": "off",  # without statistics (0016) all of a person's rows pass for a few, and get sorted
        **public_rights.settings(admin, role),
    }
    if role == DISPATCH:
        settings["synchronous_commit"] = "off"  # a job that a crash brings back is of no effect
    for name, value in settings.items():
        parts = SQL(", ").join(Literal(part) for part in value.split(", "))
        admin.execute(SQL("alter role {} set {} = {}").format(Identifier(role), Identifier(name), parts))


def _give_database(admin: Connection[DictRow]) -> None:
    """Let the owner create its schema, and close the database to everyone else."""
    database = Identifier(admin.info.dbname)
    admin.execute(SQL("grant {} to {}").format(Identifier(OWNER), Identifier(MIGRATE)))
    admin.execute(SQL("revoke all on database {} from public").format(database))
    admin.execute(SQL("grant create on database {} to {}").format(database, Identifier(OWNER)))
    for role in (MIGRATE, *LOGINS):
        admin.execute(SQL("grant connect on database {} to {}").format(database, Identifier(role)))


def _run_pending(owner: Connection[DictRow]) -> list[str]:
    owner.execute(
        "create table if not exists schema_migrations"
        " (name text primary key, checksum text not null, ran_at timestamptz not null default now())"
    )
    done = {row["name"]: row["checksum"] for row in owner.execute("select name, checksum from schema_migrations")}
    known = migrations()
    for name in done.keys() - {migration.name for migration in known}:
        raise SchemaIsNewer(name)
    return [migration.name for migration in known if _run_once(owner, migration, done.get(migration.name))]


def _run_once(owner: Connection[DictRow], migration: Migration, checksum: str | None) -> bool:
    if checksum is not None:
        if checksum != migration.checksum:
            raise MigrationChanged(migration.name)
        return False
    with owner.transaction():
        owner.execute(migration.text.encode())
        owner.execute(
            "insert into schema_migrations (name, checksum) values (%s, %s)", (migration.name, migration.checksum)
        )
    return True


def _store_signing_key(owner: Connection[DictRow], secret: Secret) -> None:
    inner, outer = padded_keys(secret.signing_key())
    owner.execute(
        "insert into context_keys (inner_pad, outer_pad) values (%s, %s)"
        " on conflict (id) do update set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad",
        (inner, outer),
    )
