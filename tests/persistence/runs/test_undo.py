"""What a write replaced: kept by the database itself, for the call that the transaction is of."""

from contextlib import suppress
from uuid import UUID, uuid4

import psycopg
import pytest

from persistence.errors import StatementRefused
from persistence.runs import ledger, undo
from persistence.runs.ledger import Entry
from persistence.runs.undo import Stays
from persistence.scope import Identity, Role, Scope
from persistence.workspace import brain_dumps
from tests.run_rows import Office, new_planner, run_of


async def a_call(office: Office, worker: Identity) -> UUID:
    """Write a call down in the ledger."""
    session_id = (await office.row(run_of(worker))).session_id
    async with office.working(worker) as scope:
        planner = new_planner(scope, session_id, run_of(worker), [], "Plan.")
        call = Entry(uuid4(), uuid4().hex, planner, None, "create_brain_dump", "write", "{}")
        ledger.freeze(scope, run_of(worker), call)
    return call.id


async def kept(scope: Scope, call_id: UUID) -> list[tuple[str, bool, bool]]:
    """Return what is kept of a call: each table, whether there was a row before, and after."""
    query = "select table_name, before is not null, after is not null from row_changes where call_id = %s order by id"
    return [tuple(row) for row in await (await scope.connection.execute(query, (call_id,))).fetchall()]


def test_every_table_of_the_workspace_keeps_its_changes(admin_dsn: str) -> None:
    """What executors may read is the workspace: each of these tables has the trigger, a new one included."""
    with psycopg.connect(admin_dsn) as admin:
        missing = admin.execute(
            """
            select c.relname from pg_class c
            where c.relnamespace = 'planwright'::regnamespace and c.relkind = 'r'
                and has_table_privilege('planwright_executor', c.oid, 'select')
                and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'record_change')
            """
        ).fetchall()
    assert missing == []


async def test_only_the_writes_of_a_call_are_kept(office: Office) -> None:
    """A row that is made, changed and removed leaves three changes; outside of a call, none."""
    worker = await office.begin()
    call_id = await a_call(office, worker)
    async with office.working(worker) as scope:
        await brain_dumps.insert(scope, "before the call", None)
        undo.keep_changes(scope, call_id)
        dump = await brain_dumps.insert(scope, "in it", None)
        await scope.execute("update brain_dumps set content = 'changed' where id = %s", (dump,))
        await scope.execute("delete from brain_dumps where id = %s", (dump,))
    async with office.working(worker) as scope:
        await brain_dumps.insert(scope, "in the next transaction, on the same connection", None)
        assert await kept(scope, call_id) == [
            ("brain_dumps", False, True),
            ("brain_dumps", True, True),
            ("brain_dumps", True, False),
        ]


async def test_what_is_rolled_back_leaves_nothing_to_undo(office: Office) -> None:
    """A refusal that undoes what it began takes the record of it along."""
    worker = await office.begin()
    call_id = await a_call(office, worker)
    async with office.working(worker) as scope:
        undo.keep_changes(scope, call_id)
        with suppress(ZeroDivisionError):
            async with scope.savepoint():
                await brain_dumps.insert(scope, "never mind", None)
                raise ZeroDivisionError
        assert await kept(scope, call_id) == []
        assert not await undo.is_kept(scope, call_id)


async def test_nobody_keeps_changes_for_anothers_call(office: Office, strangers_office: Office) -> None:
    """A call that is not the person's own cannot be named: the write is refused with it."""
    worker = await office.begin()
    call_id = await a_call(office, worker)
    with pytest.raises(StatementRefused):
        await written_for(strangers_office, call_id)


async def written_for(office: Office, call_id: UUID) -> None:
    """Write in the name of a call."""
    async with office.database.acting(Role.WORKER, office.person.identity) as scope:
        undo.keep_changes(scope, call_id)
        await brain_dumps.insert(scope, "not mine to name", None)


async def test_what_a_tool_removed_stays_removed(office: Office) -> None:
    """No tool of ours removes a row; if one did, what had pointed at it would not be known."""
    worker = await office.begin()
    call_id = await a_call(office, worker)
    async with office.working(worker) as scope:
        dump = await brain_dumps.insert(scope, "old", None)
        undo.keep_changes(scope, call_id)
        await scope.execute("delete from brain_dumps where id = %s", (dump,))
    async with office.working(worker) as scope:
        assert await undo.put_back(scope, call_id) is Stays.GONE
