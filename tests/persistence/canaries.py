"""Canaries: a secret word in every column of every table, found by asking the catalog what there is."""

import base64
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier, Literal

PERSONS_COLUMNS: Final = """
    select c.relname as table, a.attname as column, t.typname as type
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    join pg_type t on t.oid = a.atttypid
    where c.relnamespace = 'planwright'::regnamespace and c.relkind = 'r' and (c.relname = 'users' or exists (
        select from pg_attribute o where o.attrelid = c.oid and o.attname = 'user_id' and not o.attisdropped))
    order by 1, a.attnum
"""
# What a column gets, by its type.
VALUES: Final = {
    "text": SQL("{word}"),
    "varchar": SQL("{word}"),
    "_text": SQL("array[{word}]"),
    "jsonb": SQL("jsonb_build_object('kept', array[{word}])"),
    "bytea": SQL("convert_to({word}, 'UTF8')"),
    "uuid": SQL("gen_random_uuid()"),
    "_uuid": SQL("array[gen_random_uuid()]"),
    "bool": SQL("false"),
    "int2": SQL("1"),
    "int4": SQL("1"),
    "int8": SQL("1"),
    "date": SQL("current_date"),
    "timestamptz": SQL("now()"),
}
IDS_AS_TEXT: Final = {"thread_id"}  # a session's id is generated from it
HOLDS_WORDS: Final = {"text", "varchar", "_text", "jsonb", "bytea"}


@dataclass(frozen=True)
class Canary:
    """One user's secret word, and in how many columns of how many tables it stands."""

    owner: UUID
    word: str = field(default_factory=lambda: uuid4().hex)
    tables: set[str] = field(default_factory=set[str])
    columns: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def seen_in(self, heard: bytes) -> bool:
        """Say whether the word stands in there: as it is, in capitals, backwards, in hex or in base64."""
        plain = self.word.encode()
        aligned = [base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)]
        forms = [plain, plain[::-1], plain.hex().encode(), *aligned]
        lower = heard.lower()
        return any(form in heard or form.lower() in lower for form in forms)


def tables_of_people(admin: Connection) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of each table with somebody's rows, each with its type."""
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in admin.execute(PERSONS_COLUMNS):
        tables.setdefault(table, []).append((column, kind))
    return tables


def unchecked(admin: Connection) -> None:
    """Drop every check and foreign key: any word can stand in any column."""
    constraints = admin.execute(
        """
        select c.relname, k.conname from pg_constraint k join pg_class c on c.oid = k.conrelid
        where k.connamespace = 'planwright'::regnamespace and k.contype in ('c', 'f')
        """
    ).fetchall()
    for table, name in constraints:
        admin.execute(SQL("alter table planwright.{} drop constraint {}").format(Identifier(table), Identifier(name)))


def plant(admin: Connection, owner: UUID) -> Canary:
    """Give a user one row in every table, with the canary in every column that can hold it."""
    canary = Canary(owner)
    admin.execute("set session_replication_role = replica")  # no triggers
    for table, columns in tables_of_people(admin).items():
        values = {column: value_of(canary, table, column, kind) for column, kind in columns}
        admin.execute(
            SQL("insert into planwright.{} ({}) overriding system value values ({})").format(
                Identifier(table), SQL(", ").join(map(Identifier, values)), SQL(", ").join(values.values())
            )
        )
        canary.tables.add(table)
        canary.columns.update((table, column) for column, kind in columns if kind in HOLDS_WORDS - IDS_AS_TEXT)
    admin.execute("reset session_replication_role")
    return canary


def value_of(canary: Canary, table: str, column: str, kind: str) -> Composable:
    """Return what a column gets."""
    if column == owner_column(table):
        return Literal(canary.owner)
    if column in IDS_AS_TEXT:
        return SQL("gen_random_uuid()::text")
    return VALUES[kind].format(word=Literal(canary.word))


def owner_column(table: str) -> str:
    """Return the column that says whose a row is."""
    return "id" if table == "users" else "user_id"


def rows_of(admin: Connection, owner: UUID) -> dict[str, str]:
    """Return everything that a user has, as text, by table."""
    found: dict[str, str] = {}
    for table in tables_of_people(admin):
        column = Identifier(owner_column(table))
        query = SQL("select string_agg(t::text, ' ' order by t::text) from planwright.{} t where {} = {}")
        row = admin.execute(query.format(Identifier(table), column, Literal(owner))).fetchone()
        assert row is not None
        found[table] = str(row[0])
    return found
