"""What Postgres lets everybody do by default, taken away from our roles.

A read-only transaction refuses statements that change rows. It does not refuse
a lock that outlives it, a notification, a message in the write-ahead log, or,
before release 16, a large object. Only a superuser may take these functions from
PUBLIC; where the administrator is none, they stay and `tests/persistence/test_executor.py`
says which.
"""

from typing import Final

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

REACHING_OUT: Final = (
    "^(lo_.*|loread|lowrite|pg_(try_)?advisory_.*|pg_notify|pg_logical_emit_message|pg_export_snapshot"
    "|pg_cancel_backend|pg_terminate_backend|txid_current|pg_current_xact_id)$"
)


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
        (REACHING_OUT,),
    ).fetchall()
    for function in functions:
        admin.execute(f"revoke execute on function pg_catalog.{function['signature']} from public".encode())
    for role in (owner, notifying):
        admin.execute(SQL("grant execute on function pg_catalog.pg_notify(text, text) to {}").format(Identifier(role)))
