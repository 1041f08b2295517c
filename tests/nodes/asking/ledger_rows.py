"""Rows of the ledger for tests that need no database."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from pydantic import JsonValue

from persistence.runs.ledger import CallState, LedgerRow

SOME_ID = "3f1c0b52-6b52-4c63-9e2e-5d6a4a3a6f01"


def row(
    tool: str,
    arguments: dict[str, JsonValue] | str,
    message: str,
    *,
    state: CallState = CallState.APPLIED,
    code: str | None = None,
    access: str = "write",
    step_number: int | None = None,
) -> LedgerRow:
    """Give one call as the ledger keeps it."""
    return LedgerRow(
        id=uuid4(),
        key="place",
        agent_id=UUID(int=1),
        step_number=step_number,
        tool=tool,
        access=access,
        arguments=arguments if isinstance(arguments, str) else json.dumps(arguments),
        state=state,
        result=json.dumps({"message": message}),
        error_code=code,
        duration_ms=1,
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def failed(tool: str, arguments: dict[str, JsonValue] | str, message: str, code: str = "not_found") -> LedgerRow:
    """Give a write that was refused."""
    return row(tool, arguments, message, state=CallState.FAILED, code=code)


def read(message: str = "3 tasks match.") -> LedgerRow:
    """Give a call that only read."""
    return row("list_tasks", {}, message, access="read")


CREATED = row("create_task", {"title": "Water the plants"}, "Created the task “Water the plants”.")
CREATED_TOO = row("create_task", {"title": "Feed the cat"}, "Created the task “Feed the cat”.")
NOTED = row("create_note", {"title": "Garden", "content": "Roses"}, "Created the note “Garden”.")
UPDATED = row("update_task", {"task_id": SOME_ID, "updates": {"status": "done"}}, "Updated the task “Budget”: status.")
SCHEDULED = row("schedule_task", {"task_id": SOME_ID}, "Scheduled “Budget” on Friday at 10:00.")
DELETED = row("delete_calendar_event", {"event_id": SOME_ID}, "Deleted the event “Standup”.")
