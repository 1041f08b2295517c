"""The `chat_messages` table: what the person wrote and what was answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; positions start at 1 and have no gaps."""

    id: UUID
    run_id: UUID | None
    position: int
    role: str
    content: str
    created_at: datetime


def insert(
    scope: Scope, session_id: UUID, run_id: UUID | None, role: Literal["user", "assistant"], content: str
) -> None:
    """Append a message to its conversation."""
    scope.send(
        "insert into chat_messages (session_id, run_id, role, content) values (%s, %s, %s, %s)",
        (session_id, run_id, role, content),
    )


def insert_request(scope: Scope, run_id: UUID, content: str) -> None:
    """Append the request of a run to its conversation, if the run is there."""
    scope.send(
        "insert into chat_messages (session_id, run_id, role, content) select session_id, id, 'user', %s from runs"
        " where id = %s",
        (content, run_id),
    )


async def of_session(scope: Scope, session_id: UUID, limit: int) -> list[Message]:
    """Return the newest messages of a conversation, in order."""
    return await scope.all(
        Message,
        """
        select id, run_id, position, role, content, created_at from (
            select id, run_id, position, role, content, created_at from chat_messages
            where session_id = %s order by position desc limit %s
        ) as newest order by position
        """,
        (session_id, limit),
    )


async def of_run(scope: Scope, run_id: UUID) -> list[Message]:
    """Return a run's own messages: the request, and its answer if it has one."""
    return await scope.all(
        Message,
        "select id, run_id, position, role, content, created_at from chat_messages where run_id = %s order by position",
        (run_id,),
    )


async def before_run(scope: Scope, run_id: UUID, limit: int) -> list[Message]:
    """Return the messages that stood before a run's own request, in order."""
    return await scope.all(
        Message,
        """
        with mine as materialized (
            select session_id, position from chat_messages where run_id = %s and role = 'user'
        )
        select id, run_id, position, role, content, created_at from (
            select id, run_id, position, role, content, created_at from chat_messages
            where session_id = (select session_id from mine) and position < (select position from mine)
            order by position desc limit %s
        ) as newest order by position
        """,
        (run_id, limit),
    )
