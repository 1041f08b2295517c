"""The `agent_plans` table: a run's plan with the state of each step.

`steps` is the JSON array that `plan_created` shows. This room does not look
into a step beyond its `stepNumber`.

A plan that is still being written stands here too, with the steps that have
started. It has revision 0; nobody is told of it before it is complete.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from pydantic import JsonValue

from persistence.scope import Scope

DRAFT: Final = 0  # the revision of a plan that is still being written


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One plan as it stands."""

    id: UUID
    session_id: UUID
    user_message: str
    strategy: str
    steps: list[dict[str, JsonValue]]
    revision: int
    status: str
    created_at: datetime
    completed_at: datetime | None

    @property
    def is_draft(self) -> bool:
        """Say whether it is still being written, so that nobody was told of it."""
        return self.revision == DRAFT


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A run's plan before it is stored."""

    session_id: UUID
    run_id: UUID
    planner_agent_id: UUID
    user_message: str
    steps: Sequence[dict[str, JsonValue]]
    revision: int = 1
    id: UUID = field(default_factory=uuid4)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def row(self) -> PlanRow:
        """Return it as it stands when it is stored and nobody has begun to run it."""
        return PlanRow(
            id=self.id,
            session_id=self.session_id,
            user_message=self.user_message,
            strategy="complex",
            steps=[*self.steps],
            revision=self.revision,
            status="pending",
            created_at=self.created_at,
            completed_at=None,
        )


_INSERT: Final = """
    insert into agent_plans
        (id, session_id, run_id, planner_agent_id, user_message, strategy, steps, revision, created_at)
    values (%(id)s, %(session)s, %(run)s, %(planner)s, %(message)s, 'complex', %(steps)s, %(revision)s, %(created_at)s)
"""


def insert(scope: Scope, new: NewPlan) -> None:
    """Store the plan of a run that has none."""
    scope.send(_INSERT, _columns(new))


async def insert_or_find(scope: Scope, new: NewPlan) -> PlanRow:
    """Store a run's plan; storing it again (after a crash) gives the one that stands."""
    return await scope.only(
        PlanRow,
        f"""
        {_INSERT}
        on conflict (run_id) do update set steps = agent_plans.steps
        returning id, session_id, user_message, strategy, steps, revision, status, created_at, completed_at
        """,
        _columns(new),
    )


def _columns(new: NewPlan) -> dict[str, object]:
    return {
        "id": new.id,
        "session": new.session_id,
        "run": new.run_id,
        "planner": new.planner_agent_id,
        "message": new.user_message,
        "steps": Jsonb(list(new.steps)),
        "revision": new.revision,
        "created_at": new.created_at,
    }


async def of_run(scope: Scope, run_id: UUID) -> PlanRow | None:
    """Return the plan of a run, or None when it has none; one that is still being written is none."""
    plan = await begun(scope, run_id)
    return None if plan is None or plan.is_draft else plan


async def begun(scope: Scope, run_id: UUID) -> PlanRow | None:
    """Return the plan of a run, written to its end or not."""
    return await scope.one(
        PlanRow,
        """
        select id, session_id, user_message, strategy, steps, revision, status, created_at, completed_at
        from agent_plans where run_id = %s
        """,
        (run_id,),
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How many steps the plan of a run has, and how many of them succeeded."""

    run_id: UUID
    steps_done: int
    steps_total: int


async def progress_of(scope: Scope, run_ids: Sequence[UUID]) -> list[Progress]:
    """Return how far these runs are with their plans; one without a plan is left out."""
    return await scope.all(
        Progress,
        """
        select wanted.id as run_id, steps_done, steps_total
        from unnest(%s::uuid[]) as wanted (id) cross join lateral (
            select jsonb_array_length(steps) as steps_total,
                jsonb_array_length(jsonb_path_query_array(steps, '$[*] ? (@.status == "completed")')) as steps_done
            from agent_plans where run_id = wanted.id and revision > %s limit 1
        ) as plan
        """,
        (list(run_ids), DRAFT),
    )


def add_steps(scope: Scope, plan_id: UUID, steps: Sequence[dict[str, JsonValue]]) -> None:
    """Add steps to a plan that is still being written."""
    scope.send("update agent_plans set steps = steps || %s where id = %s", (Jsonb(list(steps)), plan_id))


def drop_steps(scope: Scope, plan_id: UUID, numbers: Collection[int]) -> None:
    """Take steps out of a plan that is still being written."""
    scope.send(
        """
        update agent_plans set steps = (
            select coalesce(jsonb_agg(step order by place), '[]')
            from jsonb_array_elements(steps) with ordinality as listed (step, place)
            where (step ->> 'stepNumber')::int <> all(%s))
        where id = %s
        """,
        (list(numbers), plan_id),
    )


async def revise(scope: Scope, plan_id: UUID, revision: int, steps: Sequence[dict[str, JsonValue]]) -> PlanRow | None:
    """Put new steps in place as the given revision; None when that revision stands already.

    A plan that is written to its end becomes revision 1.
    """
    return await scope.one(
        PlanRow,
        """
        update agent_plans set steps = %s, revision = %s, status = 'executing'
        where id = %s and revision = %s - 1
        returning id, session_id, user_message, strategy, steps, revision, status, created_at, completed_at
        """,
        (Jsonb(list(steps)), revision, plan_id, revision),
    )


def put_step(scope: Scope, plan_id: UUID, number: int, step: dict[str, JsonValue]) -> None:
    """Replace one step."""
    scope.send(
        """
        update agent_plans set status = 'executing', steps = (
            select jsonb_agg(
                case when (step ->> 'stepNumber')::int = %(number)s then %(step)s else step end order by place)
            from jsonb_array_elements(steps) with ordinality as listed (step, place))
        where id = %(plan)s
        """,
        {"number": number, "step": Jsonb(step), "plan": plan_id},
    )


def finish(scope: Scope, plan_id: UUID, status: Literal["completed", "failed"]) -> None:
    """Write down how a plan ended."""
    scope.send("update agent_plans set status = %s, completed_at = clock_timestamp() where id = %s", (status, plan_id))
