"""What Postgres lets everybody do by default, taken away from our roles.

A read-only transaction refuses statements that change rows. It does not refuse
a lock that outlives it, a notification, a message in the write-ahead log, a
signal to another session of the same role or, before release 16, a large object.
Only a superuser may take these functions from PUBLIC; where the administrator is
none, they stay and `planwright doctor` says which.
"""

from collections.abc import Mapping
from typing import Final

from psycopg import Connection
from psycopg.rows import DictRow, TupleRow
from psycopg.sql import SQL, Identifier

from persistence.scope import Role

REACHING_OUT: Final = {
    "large objects": "lo_.*|loread|lowrite",
    "advisory locks": "pg_(try_)?advisory_.*",
    "notifications": "pg_notify",
    "signals to other sessions": "pg_(cancel|terminate)_backend",
    "messages in the write-ahead log": "pg_logical_emit_message",
    "shared snapshots": "pg_export_snapshot",
    "transaction numbers": "txid_current|pg_current_xact_id",
}
# A superuser's to set, for the logins whose statements a hole in a tool's SQL may write: the text of
# what a session does is hidden from others of its role, and no statement fills the disk.
SETTINGS: Final[Mapping[str, str]] = {"track_activities": "off", "temp_file_limit": "256MB"}
TOOLS_RUN_AS: Final = (Role.WORKER, Role.EXECUTOR)


def settings(admin: Connection[DictRow], role: str) -> dict[str, str]:
    """Return which of `SETTINGS` the administrator may give this role."""
    if role not in TOOLS_RUN_AS:
        return {}
    allowed = admin.execute(
        "select name from unnest(%s::text[]) as name where has_parameter_privilege(name, 'set')", ([*SETTINGS],)
    )
    return {row["name"]: SETTINGS[row["name"]] for row in allowed}


def withdraw(admin: Connection[DictRow], owner: str, notifying: str) -> None:
    """Leave these functions, and blocks of code, to superusers and to the owner of our objects.

    Notifications are also left to `notifying`, and to the owner, whose triggers wake the workers.
    """
    if admin.info.parameter_status("is_superuser") != "on":
        return
    admin.execute("revoke usage on language plpgsql from public")
    admin.execute(SQL("grant usage on language plpgsql to {}").format(Identifier(owner)))
    functions = admin.execute(
        """
        select format('%%I(%%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as signature
        from pg_proc p
        where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ %s
            and has_function_privilege('public', p.oid, 'execute')
        """,
        (f"^({'|'.join(REACHING_OUT.values())})$",),
    ).fetchall()
    for function in functions:
        admin.execute(f"revoke execute on function pg_catalog.{function['signature']} from public".encode())
    for role in (owner, notifying):
        admin.execute(SQL("grant execute on function pg_catalog.pg_notify(text, text) to {}").format(Identifier(role)))
    _leave_the_lock(admin)


def _leave_the_lock(admin: Connection[DictRow]) -> None:
    """Leave the lock under which migrations run to the owner of the database, who may be the next administrator."""
    lock = SQL("pg_catalog.pg_try_advisory_lock(bigint), pg_catalog.pg_advisory_unlock(bigint)")
    owners = admin.execute("select pg_get_userbyid(datdba) as name from pg_database where datname = current_database()")
    for row in owners:
        admin.execute(SQL("grant execute on function {} to {}").format(lock, Identifier(row["name"])))


def left_open(admin: Connection[TupleRow]) -> list[str]:
    """Return what our executors may do that only a superuser could have taken from them."""
    left = admin.execute(
        """
        select what from unnest(%(whats)s::text[], %(names)s::text[]) as reaching_out (what, names)
        where exists (
            select from pg_proc p
            where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ ('^(' || names || ')$')
                and has_function_privilege(%(role)s, p.oid, 'execute'))
        union all
        select 'blocks of code' where has_language_privilege(%(role)s, 'plpgsql', 'usage')
        union all
        select name || ' as it is' from unnest(%(settings)s::text[]) as name
        where not exists (
            select from pg_db_role_setting s, unnest(s.setconfig) as setting
            where s.setrole = %(role)s::regrole and s.setdatabase = 0 and starts_with(setting, name || '='))
        """,
        {
            "role": Role.EXECUTOR,
            "whats": [*REACHING_OUT],
            "names": [*REACHING_OUT.values()],
            "settings": [*SETTINGS],
        },
    )
    return [row[0] for row in left]
