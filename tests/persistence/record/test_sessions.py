"""Deleting a conversation deletes everything that belongs to it, and nothing else."""

from typing import Final
from uuid import UUID, uuid4

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.serde.types import INTERRUPT
from psycopg.sql import SQL, Identifier

from persistence.checkpoints import Checkpoints
from persistence.errors import Fenced
from persistence.record import agents, conversations, executions, messages, plans, sessions
from persistence.record.agents import NewExecutor
from persistence.record.conversations import NewMessage, Opening
from persistence.record.executions import NewExecution, Outcome
from persistence.runs import approvals, events, held_events, intents, ledger, runs, undo, usage
from persistence.runs.approvals import NewCall
from persistence.runs.events import KeyedEvent
from persistence.runs.ledger import CallState, CameTo, Entry
from persistence.runs.runs import RunStatus
from persistence.runs.usage import Cost, Price, Usage
from persistence.scope import Role, Scope
from persistence.workspace import brain_dumps
from tests.reserving import reserve
from tests.run_rows import Office, new_planner, run_of
from tests.workspace_rows import Desk

OF_A_SESSION: Final = {
    "agent_chat_messages",
    "agent_chat_sessions",
    "agent_executions",
    "agent_plans",
    "agents",
    "approval_calls",
    "approvals",
    "chat_messages",
    "chat_sessions",
    "checkpoint_blobs",
    "checkpoint_writes",
    "checkpoints",
    "held_events",
    "model_usage",
    "row_changes",
    "run_events",
    "runs",
    "tool_calls",
    "undos",
    "write_intents",
}


async def work_through(office: Office) -> UUID:
    """Run a message of a new conversation to its end, with a row in every table that a run can fill."""
    session_id = await office.new_session()
    worker = await office.take((await office.queue(session_id)).id)
    run_id = run_of(worker)
    async with office.working(worker) as scope:
        messages.insert(scope, session_id, run_id, "user", "hello")
        await plan_and_execute(scope, session_id, run_id)
        events.append(scope, [KeyedEvent("end", "done", "{}")])
        messages.insert(scope, session_id, run_id, "assistant", "hello")
    await checkpoint(Checkpoints(office.database, worker), session_id)
    await office.finish(worker, RunStatus.DONE)
    return session_id


async def plan_and_execute(scope: Scope, session_id: UUID, run_id: UUID) -> None:
    """Fill what agents leave behind."""
    planner = new_planner(scope, session_id, run_id, ["list_tasks"], "Plan.")
    plan = plans.NewPlan(
        session_id=session_id,
        run_id=run_id,
        planner_agent_id=planner,
        user_message="hello",
        steps=[],
        revision=plans.DRAFT,
    )
    plans.insert(scope, plan)
    held_events.hold_or_append(scope, run_id, 1, [KeyedEvent("step_start:1", "step_start", "{}")])
    new = NewExecutor(session_id, run_id, plan.id, "Executor 1", [], "Execute.")
    agents.insert_executor(scope, new)
    executor = new.id
    opening = Opening(session_id, run_id, planner, "global", None, "", executor, plan.id, 1)
    conversation = opening.id
    conversations.open_conversation(scope, opening)
    said = NewMessage("executor", "assistant", "done", executor)
    conversations.add(scope, conversation, session_id, said)
    execution = NewExecution(plan.id, 1, executor, conversation, "Look", [])
    executions.insert(scope, execution)
    await executions.finish(scope, execution.id, Outcome(success=True, result={"found": 1}, error=None))
    call = Entry(uuid4(), "k", executor, 1, "list_tasks", "read", "{}")
    ledger.freeze(scope, run_id, call)
    asked = NewCall(call.id, outcome_unknown=False, tool=call.tool, arguments="{}", target="x", changes=[])
    await approvals.insert(scope, run_id, 1, "digest", 1.0, [asked])
    await intents.store(scope, run_id, [])
    undo.keep_changes(scope, call.id)
    await brain_dumps.insert(scope, "hello", None)
    assert await undo.begin(scope, call.id)
    ledger.settle(scope, call.id, CameTo(CallState.APPLIED, "{}", None, 5))
    spent = uuid4()
    reserve(scope, run_id, spent, executor, Price(60, 40))
    usage.settle(scope, spent, Cost("deep", Usage(1, 1, 0), estimated=False, outcome="answered"), 1)


async def checkpoint(saver: Checkpoints, session_id: UUID) -> None:
    """Store a state with a value of its own, and a write."""
    state = empty_checkpoint()
    state["channel_values"] = {"seen": ["a"]}
    state["channel_versions"] = {"seen": "1"}
    stored = await saver.aput(
        {"configurable": {"thread_id": str(session_id), "checkpoint_ns": ""}}, state, {"step": 1}, {"seen": "1"}
    )
    await saver.aput_writes(stored, [(INTERRUPT, ["a"])], "task")


async def filled(office: Office) -> dict[str, int]:
    """Count the person's rows in every table that holds people's rows.

    Those of the workspace and credentials aside, and what was spent in the last minutes: deleting a conversation
    gives none of it back.
    """
    async with office.database.acting(Role.WORKER, office.person.identity) as scope:
        tables = await (
            await scope.connection.execute(
                """
                select distinct a.attrelid::regclass::text from pg_attribute a join pg_class c on c.oid = a.attrelid
                where a.attname = 'user_id' and c.relkind = 'r' and c.relnamespace = 'planwright'::regnamespace
                    and not has_table_privilege('planwright_executor', c.oid, 'select')
                    and c.relname not in ('credentials', 'charges')
                """
            )
        ).fetchall()
        return {table: await rows_in(scope, table) for (table,) in tables}


async def rows_in(scope: Scope, table: str) -> int:
    """Count the rows that a scope shows of a table."""
    row = await (await scope.connection.execute(SQL("select count(*) from {}").format(Identifier(table)))).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_run_leaves_rows_in_every_table(office: Office) -> None:
    """The conversation that the tests below delete has something in each table, a new one included."""
    await work_through(office)
    counted = await filled(office)
    assert set(counted) == OF_A_SESSION
    assert {table for table, rows in counted.items() if rows == 0} == set()


async def test_a_deleted_conversation_leaves_nothing(office: Office) -> None:
    """The person's only conversation is gone from all of these tables."""
    session_id = await work_through(office)
    async with office.asking() as scope:
        assert await sessions.delete(scope, session_id)
    assert await filled(office) == dict.fromkeys(OF_A_SESSION, 0)


async def test_another_conversation_stays(office: Office) -> None:
    """Deleting one of two leaves the other whole."""
    kept = await work_through(office)
    before = await filled(office)
    gone = await work_through(office)
    async with office.asking() as scope:
        assert await sessions.delete(scope, gone)
        assert await sessions.find(scope, kept) is not None
    assert await filled(office) == before


async def test_a_conversation_is_deleted_once(office: Office) -> None:
    """The second time there is none."""
    session_id = await work_through(office)
    async with office.asking() as scope:
        assert await sessions.delete(scope, session_id)
        assert not await sessions.delete(scope, session_id)


async def test_nobody_deletes_anothers_conversation(office: Office, strangers_office: Office) -> None:
    """For another person there is none to delete."""
    session_id = await work_through(office)
    before = await filled(office)
    async with strangers_office.asking() as scope:
        assert not await sessions.delete(scope, session_id)
    assert await filled(office) == before


async def test_the_workspace_outlives_the_conversation(desk: Desk, office: Office) -> None:
    """What a run wrote into the workspace is the person's and stays."""
    session_id = await office.new_session()
    worker = await office.take((await office.queue(session_id)).id)
    async with office.working(worker) as scope:
        await scope.execute("insert into notes (content) values ('kept')")
    async with office.asking() as scope:
        assert await sessions.delete(scope, session_id)
    assert await desk.count("notes") == 1


async def test_a_conversation_may_be_deleted_while_it_is_worked_on(office: Office) -> None:
    """The worker of a deleted run finds that it holds nothing any more."""
    worker = await office.begin()
    session_id = (await office.row(run_of(worker))).session_id
    async with office.asking() as scope:
        assert await sessions.delete(scope, session_id)
        assert await runs.find(scope, run_of(worker)) is None
    async with office.database.acting(Role.WORKER, office.person.identity) as scope:
        assert await runs.claim(scope, run_of(worker), 1, 0) is None
    with pytest.raises(Fenced):
        await office.append(worker, [KeyedEvent("late", "text", "{}")])
