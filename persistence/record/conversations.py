"""The `agent_chat_sessions` and `agent_chat_messages` tables: what agents said.

A conversation is the truth that an agent's next model call is built from, so a
run that goes on after a crash asks no model twice for an answer that is stored.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from persistence.scope import Scope

SenderType = Literal["planner", "executor", "system"]
MessageRole = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation of an agent."""

    id: UUID
    plan_id: UUID | None
    step_number: int | None
    planner_agent_id: UUID
    executor_agent_id: UUID | None
    session_type: str
    status: str
    message_count: int
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AgentMessage:
    """One message of a conversation.

    `tool_calls` of an assistant's message is a list of {id, name, arguments},
    the arguments being raw text; `reasoning` is what a thinking model must be
    sent back and nobody is shown.
    """

    position: int
    sender_type: str
    sender_agent_id: UUID | None
    role: str
    content: str
    reasoning: str | None
    tool_calls: list[dict[str, str]] | None
    tool_call_id: str | None
    tokens_used: int
    model_used: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message before it has its place."""

    sender_type: SenderType
    role: MessageRole
    content: str
    sender_agent_id: UUID | None = None
    reasoning: str | None = None
    tool_calls: list[dict[str, str]] | None = None
    tool_call_id: str | None = None
    tokens_used: int = 0
    model_used: str | None = None


Row = AgentMessage | NewMessage  # positions have no gaps, so the place in a list of all is the position


@dataclass(frozen=True, slots=True)
class Opening:
    """What a conversation is opened with."""

    parent_session_id: UUID
    run_id: UUID
    planner_agent_id: UUID
    context_type: str
    entity_id: UUID | None
    initial_context: str = ""
    executor_agent_id: UUID | None = None
    plan_id: UUID | None = None
    step_number: int | None = None
    id: UUID = field(default_factory=uuid4)


def open_conversation(scope: Scope, opening: Opening) -> None:
    """Open a planner's own conversation, or one with an executor when the opening names one."""
    scope.send(
        """
        insert into agent_chat_sessions (id, parent_session_id, run_id, plan_id, step_number, planner_agent_id,
            executor_agent_id, session_type, initial_context, context_type, entity_id)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            opening.id,
            opening.parent_session_id,
            opening.run_id,
            opening.plan_id,
            opening.step_number,
            opening.planner_agent_id,
            opening.executor_agent_id,
            "planner_thinking" if opening.executor_agent_id is None else "planner_executor",
            opening.initial_context,
            opening.context_type,
            opening.entity_id,
        ),
    )


_ADD: Final = """
    insert into agent_chat_messages (agent_session_id, parent_user_session_id, sender_type, sender_agent_id, role,
        content, reasoning, tool_calls, tool_call_id, tokens_used, model_used)
"""
_VALUES: Final = "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s"


def add(scope: Scope, conversation_id: UUID, parent_session_id: UUID, *messages: NewMessage) -> None:
    """Append messages."""
    rows = ", ".join(f"({_VALUES})" for _ in messages)
    values = [value for message in messages for value in _values(conversation_id, parent_session_id, message)]
    scope.send(f"{_ADD} values {rows}", values)


def add_result(
    scope: Scope, conversation_id: UUID, parent_session_id: UUID, message: NewMessage, call_id: UUID
) -> None:
    """Append what a call came to, if the ledger has that call."""
    values = _values(conversation_id, parent_session_id, message)
    scope.send(f"{_ADD} select {_VALUES} from tool_calls where id = %s", (*values, call_id))


def _values(conversation_id: UUID, parent_session_id: UUID, message: NewMessage) -> tuple[object, ...]:
    return (
        conversation_id,
        parent_session_id,
        message.sender_type,
        message.sender_agent_id,
        message.role,
        message.content,
        message.reasoning,
        None if message.tool_calls is None else Jsonb(message.tool_calls),
        message.tool_call_id,
        message.tokens_used,
        message.model_used,
    )


async def messages(scope: Scope, conversation_id: UUID) -> list[AgentMessage]:
    """Return a conversation's messages in order."""
    return await scope.all(
        AgentMessage,
        """
        select position, sender_type, sender_agent_id, role, content, reasoning, tool_calls, tool_call_id, tokens_used,
            model_used, created_at
        from agent_chat_messages where agent_session_id = %s order by position
        """,
        (conversation_id,),
    )


async def main_of_run(scope: Scope, run_id: UUID) -> UUID | None:
    """Return the planner's conversation over the whole request, if it began one."""
    return await scope.value(
        UUID,
        """
        select id from agent_chat_sessions
        where run_id = %s and step_number is null and session_type = 'planner_thinking'
        """,
        (run_id,),
    )


async def of_step(scope: Scope, run_id: UUID, step_number: int) -> UUID | None:
    """Return the planner's conversation over one of its own steps, if it began one."""
    return await scope.value(
        UUID,
        """
        select id from agent_chat_sessions
        where run_id = %s and step_number = %s and session_type = 'planner_thinking'
        order by created_at desc limit 1
        """,
        (run_id, step_number),
    )


async def of_run(scope: Scope, run_id: UUID) -> list[Conversation]:
    """Return the conversations of a run, oldest first."""
    return await scope.all(
        Conversation,
        """
        select id, plan_id, step_number, planner_agent_id, executor_agent_id, session_type, status, (
                select count(*) from agent_chat_messages said where said.agent_session_id = agent_chat_sessions.id
            ) as message_count, created_at, completed_at
        from agent_chat_sessions where run_id = %s order by created_at, id
        """,
        (run_id,),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A conversation by its part in the run: over which step, with an executor or not, after how many such ones."""

    step_number: int | None
    is_executors: bool
    turn: int


async def part_of(scope: Scope, conversation_id: UUID) -> Part:
    """Return which part of its run a conversation is."""
    return await scope.only(
        Part,
        """
        select c.step_number, c.executor_agent_id is not null as is_executors, (
            select count(*) from agent_chat_sessions e
            where e.user_id = c.user_id and e.run_id = c.run_id and e.step_number is not distinct from c.step_number
                and (e.executor_agent_id is null) = (c.executor_agent_id is null)
                and (e.created_at, e.id) < (c.created_at, c.id)) as turn
        from agent_chat_sessions c where c.id = %s
        """,
        (conversation_id,),
    )


def finish(scope: Scope, conversation_id: UUID, status: Literal["completed", "failed"]) -> None:
    """Write down that a conversation ended."""
    scope.send(
        "update agent_chat_sessions set status = %s, completed_at = clock_timestamp() where id = %s",
        (status, conversation_id),
    )


def finish_open(scope: Scope, run_id: UUID, status: Literal["completed", "failed"]) -> None:
    """End every conversation of a run that is still open."""
    scope.send(
        "update agent_chat_sessions set status = %s, completed_at = clock_timestamp()"
        " where run_id = %s and status = 'active'",
        (status, run_id),
    )
