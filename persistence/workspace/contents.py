"""The whole of a person's workspace at one moment: to see what changed between two of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

from pydantic import JsonValue

from persistence.scope import Scope

TABLES: Final[tuple[LiteralString, ...]] = ("projects", "tasks", "notes", "brain_dumps", "calendar_events")

Row = Mapping[str, JsonValue]
Contents = Mapping[tuple[str, UUID], Row]
"""Each row by its table and id; one that was deleted but is kept is not among them."""


@dataclass(frozen=True, slots=True)
class _Stored:
    id: UUID
    content: Row


async def contents(scope: Scope) -> Contents:
    """Return every row of the workspace's tables."""
    return {
        (table, row.id): row.content
        for table in TABLES
        for row in await scope.all(_Stored, f"select id, to_jsonb({table}) as content from {table}")
        if row.content.get("deleted_at") is None
    }
