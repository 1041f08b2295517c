"""The `chat_sessions` table: the conversations that a person sees."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from persistence.pipelined import Sent
from persistence.place import Place, behind
from persistence.scope import Scope
from persistence.workspace.search import fitting, pattern_for

_COLUMNS: Final = """
    id, title, context_type, entity_id, approvals, status, message_count, last_message_at, created_at, updated_at
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation."""

    id: UUID
    title: str
    context_type: str
    entity_id: UUID | None
    approvals: str
    status: str
    message_count: int
    last_message_at: datetime
    created_at: datetime
    updated_at: datetime


def insert(scope: Scope, title: str, context_type: str, entity_id: UUID | None, approvals: str = "auto") -> UUID:
    """Open a conversation about a place in the workspace; return its id."""
    session_id = uuid4()
    scope.send(
        "insert into chat_sessions (id, title, context_type, entity_id, approvals) values (%s, %s, %s, %s, %s)",
        (session_id, title, context_type, entity_id, approvals),
    )
    return session_id


async def find(scope: Scope, session_id: UUID) -> Session | None:
    """Return one conversation, or None when there is none or it is someone else's."""
    return await scope.one(Session, f"select {_COLUMNS} from chat_sessions where id = %s", (session_id,))


async def of_run(scope: Scope, run_id: UUID) -> Session | None:
    """Return the conversation that a run belongs to."""
    return await scope.one(
        Session,
        f"select {_COLUMNS} from chat_sessions where id = (select session_id from runs where id = %s)",
        (run_id,),
    )


@dataclass(frozen=True, slots=True)
class Look:
    """A conversation that nobody else adds to until this transaction ends."""

    sent: Sent

    @property
    def session(self) -> Session | None:
        """Return it, or None when there is none or it is someone else's; once the statement has its outcome."""
        return next(iter(self.sent.rows(Session)), None)


def look_and_hold(scope: Scope, session_id: UUID) -> Look:
    """See one conversation, and let nobody else add to it until this transaction ends."""
    return Look(scope.send(f"select {_COLUMNS} from chat_sessions where id = %s for no key update", (session_id,)))


async def newest(scope: Scope, limit: int) -> list[Session]:
    """Return the active conversations, the one last used first."""
    return await scope.all(
        Session,
        f"""
        select {_COLUMNS} from chat_sessions
        where status = 'active' order by last_message_at desc, id limit %s
        """,
        (limit,),
    )


async def page(scope: Scope, search: str, after: Place | None, limit: int) -> list[Session]:
    """Return active conversations whose title contains the text, the one last used first, behind a place."""
    return await scope.all(
        Session,
        f"""
        select {_COLUMNS} from chat_sessions
        where status = 'active' and {fitting(search, "title ilike %(pattern)s")}
            and last_message_at <= coalesce(%(at)s, 'infinity'::timestamptz)
            and (%(at)s is null or last_message_at < %(at)s or id > %(id)s)
        order by last_message_at desc, id limit %(limit)s
        """,
        {**behind(after), "pattern": pattern_for(search), "limit": limit},
    )


async def change(scope: Scope, session_id: UUID, title: str | None, approvals: str | None) -> Session | None:
    """Give a conversation another title, another mode of approvals, or both; None keeps what it has."""
    return await scope.one(
        Session,
        f"""
        update chat_sessions set title = coalesce(%s, title), approvals = coalesce(%s, approvals)
        where id = %s returning {_COLUMNS}
        """,
        (title, approvals, session_id),
    )


async def delete(scope: Scope, session_id: UUID) -> bool:
    """Delete a conversation with everything that belongs to it; False when there is none.

    Its runs are held first, as by whoever ends one, which holds the session after the run.
    """
    await scope.execute("select from runs where session_id = %s and finished_at is null for update", (session_id,))
    return bool(await scope.execute("delete from chat_sessions where id = %s", (session_id,)))


async def entity_exists(scope: Scope, context_type: str, entity_id: UUID) -> bool:
    """Say whether the person has the project or task that a conversation is to be about."""
    if context_type.startswith("project"):
        return bool(await scope.value(bool, "select true from projects where id = %s", (entity_id,)))
    if context_type.startswith("task"):
        return bool(
            await scope.value(bool, "select true from tasks where id = %s and deleted_at is null", (entity_id,))
        )
    return False
