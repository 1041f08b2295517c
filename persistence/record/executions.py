"""The `agent_executions` table: what each executor did with its step, and its cost."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from pydantic import JsonValue

from persistence.scope import Scope

MAX_DURATION_MS: Final = 2**31 - 1  # what the column holds; a run may lie for months between two attempts


@dataclass(frozen=True, slots=True)
class Cost:
    """What an executor's work on a step took."""

    tokens_used: int
    duration_ms: int
    tool_calls_made: int
    message_count: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an executor's work on a step ended; `result` is what it handed over."""

    success: bool
    result: dict[str, JsonValue] | None
    error: str | None

    @property
    def status(self) -> Literal["completed", "failed"]:
        """Return how its rows say that."""
        return "completed" if self.success else "failed"


@dataclass(frozen=True, slots=True)
class Execution:
    """One executor's work on one step."""

    id: UUID
    step_number: int
    executor_agent_id: UUID
    agent_session_id: UUID
    task: str
    tools_available: list[str]
    result: dict[str, JsonValue] | None
    success: bool | None
    error: str | None
    tokens_used: int
    duration_ms: int | None
    tool_calls_made: int
    message_count: int
    status: str
    created_at: datetime
    completed_at: datetime | None

    @property
    def cost(self) -> Cost:
        """Return what it took."""
        return Cost(self.tokens_used, self.duration_ms or 0, self.tool_calls_made, self.message_count)

    @property
    def outcome(self) -> Outcome:
        """Return how it ended."""
        return Outcome(success=self.success is True, result=self.result, error=self.error)


_COLUMNS: Final = """
    agent_executions.id, step_number, executor_agent_id, agent_session_id, task, tools_available, result, success,
    error, tokens_used, duration_ms, tool_calls_made, message_count, agent_executions.status,
    agent_executions.created_at, agent_executions.completed_at
"""

# Tokens are those of the model calls: what one began to say, and nobody lived to read, stands in no message.
_COST: Final = """
    completed_at = clock_timestamp(),
    duration_ms = least(extract(epoch from clock_timestamp() - agent_executions.created_at) * 1000, %(longest_ms)s),
    tool_calls_made = (select count(*) from tool_calls c where c.agent_id = executor_agent_id),
    message_count = (
        select count(*) from agent_chat_messages m where m.agent_session_id = agent_executions.agent_session_id),
    tokens_used = (
        select coalesce(sum(u.prompt_tokens + u.completion_tokens), 0) from model_usage u
        where u.agent_id = executor_agent_id)
"""


@dataclass(frozen=True, slots=True)
class NewExecution:
    """An executor's work on a step before it is written down."""

    plan_id: UUID
    step_number: int
    executor_agent_id: UUID
    agent_session_id: UUID
    task: str
    tools: Sequence[str]
    id: UUID = field(default_factory=uuid4)


def insert(scope: Scope, new: NewExecution) -> None:
    """Write down that an executor starts on a step."""
    scope.send(
        """
        insert into agent_executions
            (id, plan_id, step_number, executor_agent_id, agent_session_id, task, tools_available)
        values (%s, %s, %s, %s, %s, %s, %s)
        """,
        (
            new.id,
            new.plan_id,
            new.step_number,
            new.executor_agent_id,
            new.agent_session_id,
            new.task,
            list(new.tools),
        ),
    )


async def finish(scope: Scope, execution_id: UUID, outcome: Outcome) -> Execution:
    """Write down how an execution ended; return it with what it cost."""
    return await scope.only(
        Execution,
        f"""
        update agent_executions set status = %(status)s, success = %(success)s, result = %(result)s, error = %(error)s,
            {_COST}
        where id = %(id)s
        returning {_COLUMNS}
        """,
        {"id": execution_id, **_columns(outcome), "longest_ms": MAX_DURATION_MS},
    )


def finish_at(
    scope: Scope, execution_id: UUID, executor_agent_id: UUID, agent_session_id: UUID, outcome: Outcome, cost: Cost
) -> None:
    """Write down how an execution ended, with its executor and their conversation.

    By one who saw all of it and knows what it cost.
    """
    scope.send(
        """
        with agent as (
            update agents set status = %(status)s, completed_at = clock_timestamp() where id = %(executor)s
        ), conversation as (
            update agent_chat_sessions set status = %(status)s, completed_at = clock_timestamp()
            where id = %(conversation)s
        )
        update agent_executions set status = %(status)s, success = %(success)s, result = %(result)s, error = %(error)s,
            tokens_used = %(tokens)s, duration_ms = %(ms)s, tool_calls_made = %(calls)s, message_count = %(messages)s,
            completed_at = clock_timestamp()
        where id = %(id)s
        """,
        {
            "id": execution_id,
            "executor": executor_agent_id,
            "conversation": agent_session_id,
            **_columns(outcome),
            "tokens": cost.tokens_used,
            "ms": min(cost.duration_ms, MAX_DURATION_MS),
            "calls": cost.tool_calls_made,
            "messages": cost.message_count,
        },
    )


def _columns(outcome: Outcome) -> dict[str, object]:
    return {
        "status": outcome.status,
        "success": outcome.success,
        "result": None if outcome.result is None else Jsonb(outcome.result),
        "error": outcome.error,
    }


async def has_open(scope: Scope, run_id: UUID) -> bool:
    """Say whether an executor of a run is at work, or was when nobody went on with it."""
    found = await scope.value(
        bool,
        """
        select exists (select from agent_plans join agent_executions on plan_id = agent_plans.id
            where run_id = %s and agent_executions.status = 'executing')
        """,
        (run_id,),
    )
    return found or False


async def abandon_open(scope: Scope, run_id: UUID, error: str) -> list[Execution]:
    """Close what was under way when a run came to its end; return it with what it cost until then."""
    abandoned = await scope.all(
        Execution,
        f"""
        update agent_executions set status = 'abandoned', success = false, error = %(error)s, {_COST}
        from agent_plans
        where agent_plans.id = agent_executions.plan_id and agent_plans.run_id = %(run)s
            and agent_executions.status = 'executing'
        returning {_COLUMNS}
        """,
        {"error": error, "run": run_id, "longest_ms": MAX_DURATION_MS},
    )
    return sorted(abandoned, key=lambda execution: (execution.step_number, execution.created_at))


def abandon(scope: Scope, execution_ids: Collection[UUID], error: str) -> None:
    """Close executions of steps that are in no plan: those at work, and those that ended, whose result stays."""
    params = {"error": error, "ids": list(execution_ids), "longest_ms": MAX_DURATION_MS}
    scope.send(
        f"update agent_executions set status = 'abandoned', {_COST} where id = any(%(ids)s) and status = 'executing'",
        params,
    )
    scope.send(
        """
        update agent_executions set status = 'abandoned', success = false, error = coalesce(error, %(error)s)
        where id = any(%(ids)s)
        """,
        params,
    )


async def of_run(scope: Scope, run_id: UUID) -> list[Execution]:
    """Return the executions of a run's plan in the order they began."""
    return await scope.all(
        Execution,
        f"""
        select {_COLUMNS} from agent_executions
        where plan_id = (select id from agent_plans where run_id = %s) order by created_at, id
        """,
        (run_id,),
    )
