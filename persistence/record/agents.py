"""The `agents` table: who worked on a run, with which tools and rights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent of a run."""

    id: UUID
    type: str
    name: str
    model_preference: str
    available_tools: list[str]
    permissions: str
    created_for_plan: UUID | None
    status: str
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewPlanner:
    """A planner before it is written down, and the tools it may call."""

    session_id: UUID
    run_id: UUID
    tools: Sequence[str]
    system_prompt: str
    id: UUID = field(default_factory=uuid4)


def insert_planner(scope: Scope, new: NewPlanner) -> None:
    """Write the planner of a run down; one run has one."""
    scope.send(
        """
        insert into agents (id, created_for_session, run_id, type, name, model_preference, available_tools,
            permissions, system_prompt)
        values (%s, %s, %s, 'planner', 'Planner', 'balanced', %s, 'read_write', %s)
        """,
        (new.id, new.session_id, new.run_id, list(new.tools), new.system_prompt),
    )


async def planner_of(scope: Scope, run_id: UUID, tools: Sequence[str]) -> UUID | None:
    """Return the planner of a run, which goes on with these tools; None when it has none yet."""
    return await scope.value(
        UUID,
        "update agents set available_tools = %s where run_id = %s and type = 'planner' returning id",
        (list(tools), run_id),
    )


@dataclass(frozen=True, slots=True)
class NewExecutor:
    """An executor before it is written down, and the tools it may call."""

    session_id: UUID
    run_id: UUID
    plan_id: UUID
    name: str
    tools: Sequence[str]
    system_prompt: str
    id: UUID = field(default_factory=uuid4)


def insert_executor(scope: Scope, new: NewExecutor) -> None:
    """Write an executor down."""
    scope.send(
        """
        insert into agents (id, created_for_session, run_id, created_for_plan, type, name, model_preference,
            available_tools, permissions, system_prompt)
        values (%s, %s, %s, %s, 'executor', %s, 'speed', %s, 'read_only', %s)
        """,
        (new.id, new.session_id, new.run_id, new.plan_id, new.name, list(new.tools), new.system_prompt),
    )


def finish(scope: Scope, agent_id: UUID, status: Literal["completed", "failed"]) -> None:
    """Write down that an agent's work ended."""
    scope.send("update agents set status = %s, completed_at = clock_timestamp() where id = %s", (status, agent_id))


def finish_open(scope: Scope, run_id: UUID, status: Literal["completed", "failed"]) -> None:
    """End every agent of a run that is still at work."""
    scope.send(
        "update agents set status = %s, completed_at = clock_timestamp() where run_id = %s and status = 'active'",
        (status, run_id),
    )


async def of_run(scope: Scope, run_id: UUID) -> list[Agent]:
    """Return the agents of a run, the planner first."""
    return await scope.all(
        Agent,
        """
        select id, type, name, model_preference, available_tools, permissions, created_for_plan, status,
            created_at, completed_at
        from agents where run_id = %s order by type desc, created_at, id
        """,
        (run_id,),
    )
