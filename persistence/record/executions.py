"""The `agent_executions` table: what each executor did with its step, and its cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import JsonValue

from persistence.scope import Scope

MAX_DURATION_MS: Final = 2**31 - 1  # what the column holds; a run may lie for months between two attempts


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


@dataclass(frozen=True, slots=True)
class Ending:
    """What an execution came to. `result` is what the executor handed over."""

    success: bool
    result: dict[str, JsonValue] | None
    error: str | None
    tokens_used: int
    duration_ms: int
    tool_calls_made: int


async def insert(
    scope: Scope,
    *,
    plan_id: UUID,
    step_number: int,
    executor_agent_id: UUID,
    agent_session_id: UUID,
    task: str,
    tools: Sequence[str],
) -> UUID:
    """Write down that an executor starts on a step."""
    execution_id = await scope.value(
        UUID,
        """
        insert into agent_executions (plan_id, step_number, executor_agent_id, agent_session_id, task, tools_available)
        values (%s, %s, %s, %s, %s, %s) returning id
        """,
        (plan_id, step_number, executor_agent_id, agent_session_id, task, list(tools)),
    )
    assert execution_id is not None, "an insert returns its id"
    return execution_id


async def finish(scope: Scope, execution_id: UUID, ending: Ending) -> None:
    """Write down how an execution ended; its messages are counted from its conversation."""
    await scope.execute(
        """
        update agent_executions set
            success = %s, result = %s, error = %s, tokens_used = %s, duration_ms = %s, tool_calls_made = %s,
            message_count = (select message_count from agent_chat_sessions where id = agent_session_id),
            status = %s, completed_at = clock_timestamp()
        where id = %s
        """,
        (
            ending.success,
            None if ending.result is None else Jsonb(ending.result),
            ending.error,
            ending.tokens_used,
            ending.duration_ms,
            ending.tool_calls_made,
            "completed" if ending.success else "failed",
            execution_id,
        ),
    )


async def abandon_open(scope: Scope, run_id: UUID, error: str) -> list[Execution]:
    """Close what an earlier attempt, or a stop, left in the middle; return it with what it cost until then.

    Its tokens are those of its model calls: what one of them began to say stands in no message.
    """
    abandoned = await scope.all(
        Execution,
        """
        update agent_executions set
            status = 'abandoned', success = false, error = %s, completed_at = clock_timestamp(),
            duration_ms = least(extract(epoch from clock_timestamp() - agent_executions.created_at) * 1000, %s),
            tool_calls_made = (select count(*) from tool_calls c where c.agent_id = executor_agent_id),
            message_count = (select s.message_count from agent_chat_sessions s where s.id = agent_session_id),
            tokens_used = (
                select coalesce(sum(u.prompt_tokens + u.completion_tokens), 0) from model_usage u
                where u.agent_id = executor_agent_id)
        from agent_plans
        where agent_plans.id = agent_executions.plan_id and agent_plans.run_id = %s
            and agent_executions.status = 'executing'
        returning agent_executions.id, step_number, executor_agent_id, agent_session_id, task, tools_available, result,
            success, error, tokens_used, duration_ms, tool_calls_made, message_count, agent_executions.status,
            agent_executions.created_at, agent_executions.completed_at
        """,
        (error, MAX_DURATION_MS, run_id),
    )
    return sorted(abandoned, key=lambda execution: (execution.step_number, execution.created_at))


async def of_plan(scope: Scope, plan_id: UUID) -> list[Execution]:
    """Return the executions of a plan in the order they began."""
    return await scope.all(
        Execution,
        """
        select id, step_number, executor_agent_id, agent_session_id, task, tools_available, result, success, error,
            tokens_used, duration_ms, tool_calls_made, message_count, status, created_at, completed_at
        from agent_executions where plan_id = %s order by created_at, id
        """,
        (plan_id,),
    )
