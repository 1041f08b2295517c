"""Procrastinate's own schema: made once, then brought along by its own migrations.

It stands beside ours, so that its tables, which hold ids of runs and nothing
of what they are about, are in nobody's search path but the queue's.
"""

from pathlib import Path
from typing import Final

from procrastinate.schema import SchemaManager
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

SCHEMA: Final = "planwright_queue"


def install(owner: Connection[DictRow]) -> None:
    """Make the queue's tables, or run the migrations that came with a newer release of Procrastinate."""
    with owner.transaction():
        owner.execute(SQL("create schema if not exists {}").format(Identifier(SCHEMA)))
        owner.execute(SQL("set local search_path = {}, pg_temp").format(Identifier(SCHEMA)))
        owner.execute("create table if not exists queue_migrations (name text primary key)")
        ran = {row["name"] for row in owner.execute("select name from queue_migrations")}
        if not ran:
            owner.execute(SchemaManager.get_schema())
        for file in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
            if file.name not in ran:
                if ran:
                    owner.execute(file.read_bytes())
                owner.execute("insert into queue_migrations (name) values (%s)", (file.name,))


def grant(owner: Connection[DictRow], dispatch: str) -> None:
    """Let the queue's login work its tables, whatever the last migration added to them."""
    role, schema = Identifier(dispatch), Identifier(SCHEMA)
    owner.execute(SQL("revoke all on all functions in schema {} from public").format(schema))
    tables = "select, insert, update, delete on all tables"
    for rights in ("execute on all functions", "usage on all sequences", tables):
        owner.execute(SQL("grant {} in schema {} to {}").format(SQL(rights), schema, role))
