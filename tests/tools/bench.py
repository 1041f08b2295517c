"""A run in work with its agents and its gateway: what tests of tool calls begin with."""

import json
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from uuid import UUID

from psycopg.sql import SQL, Identifier
from pydantic import JsonValue

from persistence.attempts import Attempt
from persistence.record import agents, plans
from persistence.record.agents import NewExecutor
from persistence.runs import intents, ledger
from persistence.runs.ledger import LedgerRow
from persistence.scope import Identity, Role, Scope
from tests.run_rows import Office, new_planner, run_of
from tests.workspace_rows import BERLIN, NOW, Desk
from tools.consent import Consent, Mode
from tools.gateway import CALL_TIMEOUT_SECONDS, Asked, Bounds, Gateway, Holder
from tools.intents import Intent, Intents, as_json, kinds_of_change
from tools.registry import Registry
from tools.tool import Access, Caller, ToolAnswer

WORKSPACE: Final = (
    "projects",
    "tasks",
    "notes",
    "brain_dumps",
    "phases",
    "phase_tasks",
    "calendar_events",
    "task_calendar_events",
)
BUDGET: Final = 100
APPROVALS: Final = 8


@dataclass
class Notebook:
    """Remembers what a gateway tells, once it is stored; as in a log, what it knows is passed over."""

    lines: list[str] = field(default_factory=list[str])
    arguments: list[str] = field(default_factory=list[str])
    pairs: list[tuple[UUID, UUID]] = field(default_factory=list[tuple[UUID, UUID]])

    def called(self, scope: Scope, holder: Holder, call_id: UUID, asked: Asked) -> None:
        """Remember that a call began."""
        self._remember(scope, holder, call_id, f"{asked.tool} called")
        scope.after_commit(lambda: self.arguments.append(asked.arguments))

    def returned(self, scope: Scope, holder: Holder, call_id: UUID, answer: ToolAnswer, duration_ms: int) -> None:
        """Remember what a call came to."""
        assert 0 <= duration_ms < CALL_TIMEOUT_SECONDS * 1000
        self._remember(scope, holder, call_id, answer.code or "done")

    def called_and_returned(
        self, scope: Scope, holder: Holder, call_id: UUID, asked: Asked, answer: ToolAnswer, duration_ms: int
    ) -> None:
        """Remember both."""
        self.called(scope, holder, call_id, asked)
        self.returned(scope, holder, call_id, answer, duration_ms)

    def _remember(self, scope: Scope, holder: Holder, call_id: UUID, line: str) -> None:
        scope.after_commit(partial(self._note, holder.agent_id, call_id, line))

    def _note(self, agent_id: UUID, call_id: UUID, line: str) -> None:
        if (line, (agent_id, call_id)) not in zip(self.lines, self.pairs, strict=True):
            self.lines.append(line)
            self.pairs.append((agent_id, call_id))


NOTHING_SAID = Consent(Mode.AUTO, "")


@dataclass(frozen=True)
class Bench:
    """One attempt of a run, its planner and one of its executors."""

    desk: Desk
    office: Office
    worker: Identity
    registry: Registry
    planner: Holder
    executor: Holder
    notebook: Notebook
    consent: Consent = NOTHING_SAID

    def gateway(self, *, budget: int = BUDGET, call_timeout_seconds: float = CALL_TIMEOUT_SECONDS) -> Gateway:
        """Return the gateway of this attempt."""
        return Gateway(
            registry=self.registry,
            attempt=Attempt(self.desk.database, self.worker),
            caller=Caller(self.desk.database, self.desk.person.id, BERLIN, NOW),
            journal=self.notebook,
            consent=self.consent,
            bounds=Bounds(budget, APPROVALS, call_timeout_seconds),
        )

    async def call(self, holder: Holder, asked: Asked) -> ToolAnswer:
        """Call a tool through a gateway of this attempt."""
        return await self.gateway().call(holder, asked)

    async def freeze(self, holder: Holder, asked: Asked) -> None:
        """Write a call down as a gateway does, and go no further: what a crash leaves behind."""
        tool = self.registry.find(asked.tool)
        assert tool is not None
        entry = ledger.Entry(
            id=self.gateway().call_id(asked),
            key=asked.key,
            agent_id=holder.agent_id,
            step_number=holder.step_number,
            tool=asked.tool,
            access=tool.access,
            arguments=asked.arguments,
        )
        async with self.office.working(self.worker) as scope:
            ledger.freeze(scope, run_of(self.worker), entry)

    async def start(self, asked: Asked) -> None:
        """Write down that a frozen call began, and go no further."""
        async with self.office.working(self.worker) as scope:
            assert await ledger.begin(scope, self.gateway().call_id(asked))

    async def next_attempt(self) -> "Bench":
        """Return the bench of a worker that took the run over."""
        return replace(self, worker=await self.office.take(run_of(self.worker)))

    async def rows(self) -> list[LedgerRow]:
        """Return the ledger."""
        async with self.office.asking() as scope:
            return await ledger.of_run(scope, run_of(self.worker))

    async def states(self) -> list[tuple[str, str, str | None]]:
        """Return tool, state and code of each call in the ledger."""
        return [(row.tool, row.state, row.error_code) for row in await self.rows()]

    async def workspace(self) -> str:
        """Return everything that the person's workspace holds, as text."""
        async with self.desk.database.acting(Role.EXECUTOR, self.desk.person.identity) as scope:
            return "\n".join([await table_text(scope, table) for table in WORKSPACE])


async def table_text(scope: Scope, table: str) -> str:
    """Return every row of a table."""
    query = SQL("select string_agg(t::text, ' ' order by t::text) from {} as t").format(Identifier(table))
    row = await (await scope.connection.execute(query)).fetchone()
    return f"{table}: {row}"


async def set_up(desk: Desk, registry: Registry) -> Bench:
    """Begin a run whose person asked for everything.

    Its planner holds every tool, its executor every reading one.
    """
    office = Office(desk.database, desk.person)
    worker = await office.begin()
    run = await office.row(run_of(worker))
    async with office.working(worker) as scope:
        planner_id = new_planner(scope, run.session_id, run.id, registry.names(), "Plan.")
        plan = plans.NewPlan(
            session_id=run.session_id,
            run_id=run.id,
            planner_agent_id=planner_id,
            user_message=run.request,
            steps=[],
        )
        plans.insert(scope, plan)
        await intents.store(scope, run.id, as_json(everything(registry)))
        executor = NewExecutor(run.session_id, run.id, plan.id, "Executor 1", registry.reading(), "Execute.")
        agents.insert_executor(scope, executor)
    planner = Holder(planner_id, Access.WRITE, frozenset(registry.names()))
    reader = Holder(executor.id, Access.READ, frozenset(registry.reading()), 1, is_executor=True)
    return Bench(desk, office, worker, registry, planner, reader, Notebook())


def everything(registry: Registry) -> Intents:
    """Return the intents of a person who asked for every change there can be, and for mail to one address."""
    added = [name for name in registry.tools if name in kinds_of_change(registry)]
    return (
        *(Intent(change=kind, names=[]) for kind in kinds_of_change(registry)),
        *(Intent(change=name, names=["a@example.org"]) for name in added),
    )


def asked(tool: str, key: str = "step 1, call 1", **arguments: JsonValue) -> Asked:
    """Return a call as a model asks for it."""
    return Asked(key, tool, json.dumps(arguments))


async def writes_that_would_work(desk: Desk) -> list[Asked]:
    """Return a call of each tool that writes, with the rows it needs: a planner's would all take effect."""
    project = str(await desk.add_project())
    free, planned = str(await desk.add_task()), await desk.add_task("Planned", start_date=NOW)
    event = str(await desk.add_event(planned, NOW))
    other = await desk.add_task("Other", start_date=NOW)
    doomed = str(await desk.add_event(other, NOW))
    calls: list[tuple[str, dict[str, JsonValue]]] = [
        ("create_task", {"title": "New"}),
        ("update_task", {"task_id": free, "updates": {"title": "Changed"}}),
        ("update_project", {"project_id": project, "updates": {"description": "Changed"}}),
        ("create_note", {"content": "New"}),
        ("create_brain_dump", {"content": "New"}),
        ("schedule_task", {"task_id": free, "start_time": "2026-12-01T10:00"}),
        ("update_calendar_event", {"event_id": event, "updates": {"summary": "Changed"}}),
        ("delete_calendar_event", {"event_id": doomed}),
        ("update_or_schedule_task", {"task_id": str(planned), "start_time": "2026-12-02T10:00"}),
    ]
    return [asked(tool, f"step 1, {tool}", **arguments) for tool, arguments in calls]
