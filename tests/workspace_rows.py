"""Rows of a person's workspace, and the tools at work on them: what tests of tools begin with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from psycopg.sql import SQL, Identifier, Placeholder
from pydantic import JsonValue

from persistence.pools import Database
from persistence.scope import Role
from tests.conftest import Person
from tools.arguments import validated
from tools.read import brain_dumps as read_brain_dumps
from tools.read import calendar as read_calendar
from tools.read import notes as read_notes
from tools.read import projects as read_projects
from tools.read import tasks as read_tasks
from tools.tool import Access, Caller, ToolAnswer
from tools.write import brain_dumps as write_brain_dumps
from tools.write import calendar as write_calendar
from tools.write import notes as write_notes
from tools.write import projects as write_projects
from tools.write import tasks as write_tasks

BERLIN: Final = ZoneInfo("Europe/Berlin")
NOW: Final = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)  # in Berlin it is Thursday already, 00:30
NEVER_USED: Final = UUID("00000000-0000-4000-8000-000000000000")
TOOLS: Final = {
    tool.name: tool
    for module in (
        read_tasks,
        read_projects,
        read_notes,
        read_brain_dumps,
        read_calendar,
        write_tasks,
        write_projects,
        write_notes,
        write_brain_dumps,
        write_calendar,
    )
    for tool in module.TOOLS
}

Json = dict[str, JsonValue]


@dataclass(frozen=True)
class Desk:
    """One person's workspace: rows are put into it, and tools are called on it."""

    database: Database
    person: Person

    async def call(self, tool: str, **arguments: JsonValue) -> ToolAnswer:
        """Call a tool as the gateway does; commit what it wrote."""
        chosen = TOOLS[tool]
        args = validated(chosen, json.dumps(arguments))
        if chosen.access is Access.READ:
            read: ToolAnswer = await chosen.run(args, self.reader())
            return read
        async with self.database.acting(Role.WORKER, self.person.identity) as scope:
            writer = Caller(self.database, self.person.id, BERLIN, NOW, write_scope=scope)
            written: ToolAnswer = await chosen.run(args, writer)
            return written

    async def add(self, table: str, **columns: object) -> UUID:
        """Put one row into a table; return its id."""
        statement = SQL("insert into {} ({}) values ({}) returning id").format(
            Identifier(table),
            SQL(", ").join(Identifier(name) for name in columns),
            SQL(", ").join(Placeholder(name) for name in columns),
        )
        async with self.database.acting(Role.WORKER, self.person.identity) as scope:
            row = await (await scope.connection.execute(statement, columns)).fetchone()
        assert row is not None
        row_id = row[0]
        assert isinstance(row_id, UUID)
        return row_id

    async def change(self, table: str, row_id: str, **columns: object) -> None:
        """Change columns of one row."""
        pairs = SQL(", ").join(SQL("{} = {}").format(Identifier(name), Placeholder(name)) for name in columns)
        statement = SQL("update {} set {} where id = {}").format(Identifier(table), pairs, Placeholder("row_id"))
        async with self.database.acting(Role.WORKER, self.person.identity) as scope:
            await scope.connection.execute(statement, {**columns, "row_id": row_id})

    async def add_project(self, name: str = "Website launch", **columns: object) -> UUID:
        """Put a project into the workspace."""
        return await self.add("projects", **{"name": name, "slug": f"project-{uuid4()}", **columns})

    async def add_task(self, title: str = "Write the copy", **columns: object) -> UUID:
        """Put a task into the workspace."""
        completed = {"completed_at": NOW} if columns.get("status") == "done" else {}
        return await self.add("tasks", **{"title": title, **completed, **columns})

    async def add_event(self, task_id: UUID, starts_at: datetime, minutes: int = 60) -> UUID:
        """Put a calendar event into the workspace, linked to a task."""
        ends_at = starts_at + timedelta(minutes=minutes)
        event_id = await self.add("calendar_events", summary="Focus", starts_at=starts_at, ends_at=ends_at)
        await self.add("task_calendar_events", task_id=task_id, event_id=event_id)
        return event_id

    async def count(self, table: str) -> int:
        """Count the person's rows of a table."""
        async with self.database.acting(Role.EXECUTOR, self.person.identity) as scope:
            query = SQL("select count(*) from {}").format(Identifier(table))
            row = await (await scope.connection.execute(query)).fetchone()
        assert row is not None
        number = row[0]
        assert isinstance(number, int)
        return number

    def reader(self) -> Caller:
        """Return the person as a caller that may only read."""
        return Caller(self.database, self.person.id, BERLIN, NOW)


def row_in(data: Mapping[str, JsonValue], name: str) -> Json:
    """Return the object that stands under a name."""
    value = data[name]
    assert isinstance(value, dict)
    return value


def rows_in(data: Mapping[str, JsonValue], name: str) -> list[Json]:
    """Return the list of objects that stands under a name."""
    value = data[name]
    assert isinstance(value, list)
    assert all(isinstance(item, dict) for item in value)
    return [item for item in value if isinstance(item, dict)]


def column(data: Mapping[str, JsonValue], rows: str, name: str) -> list[JsonValue]:
    """Return one field of every object of a list."""
    return [row[name] for row in rows_in(data, rows)]


def size_bytes(answer: ToolAnswer) -> int:
    """Return how long an answer is as the model reads it."""
    return len(json.dumps(answer.as_json(), ensure_ascii=False).encode())
