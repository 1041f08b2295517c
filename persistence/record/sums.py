"""What a run adds up to in each of its tables, added up by the database.

The columns that count the same thing in two tables stand side by side, so that
a difference is seen.
"""

from dataclasses import dataclass
from uuid import UUID

from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class Sums:
    """The totals of one run. Durations are in ms and overlap where work was done side by side."""

    model_calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    model_ms: int
    messages: int
    planner_message_tokens: int
    executor_message_tokens: int
    executions: int
    execution_tokens: int
    execution_ms: int
    execution_tool_calls: int
    tool_calls: int
    tool_ms: int
    writes_applied: int


async def of_run(scope: Scope, run_id: UUID) -> Sums:
    """Return the totals of a run."""
    return await scope.only(
        Sums,
        """
        select
            model_calls, prompt_tokens, completion_tokens, cached_tokens, model_ms,
            messages, planner_message_tokens, executor_message_tokens,
            executions, execution_tokens, execution_ms, execution_tool_calls,
            tool_calls, tool_ms, writes_applied
        from (
            select count(*) as model_calls, coalesce(sum(prompt_tokens), 0) as prompt_tokens,
                coalesce(sum(completion_tokens), 0) as completion_tokens,
                coalesce(sum(cached_tokens), 0) as cached_tokens, coalesce(sum(duration_ms), 0) as model_ms
            from model_usage where run_id = %(run)s
        ) as of_models
        cross join (
            select count(*) as messages,
                coalesce(sum(m.tokens_used) filter (where s.executor_agent_id is null), 0) as planner_message_tokens,
                coalesce(sum(m.tokens_used) filter (where s.executor_agent_id is not null), 0)
                    as executor_message_tokens
            from agent_chat_sessions s join agent_chat_messages m on m.agent_session_id = s.id
            where s.run_id = %(run)s
        ) as of_messages
        cross join (
            select count(*) as executions, coalesce(sum(e.tokens_used), 0) as execution_tokens,
                coalesce(sum(e.duration_ms), 0) as execution_ms,
                coalesce(sum(e.tool_calls_made), 0) as execution_tool_calls
            from agent_plans p join agent_executions e on e.plan_id = p.id
            where p.run_id = %(run)s
        ) as of_executions
        cross join (
            select count(*) as tool_calls, coalesce(sum(duration_ms), 0) as tool_ms,
                count(*) filter (where access = 'write' and state = 'applied') as writes_applied
            from tool_calls where run_id = %(run)s
        ) as of_tools
        """,
        {"run": run_id},
    )
