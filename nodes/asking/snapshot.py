"""What the planner sees of the place a conversation is about, before it asks for anything.

The snapshot is read with the same tools and in the same words as any later
reading, as the SELECT-only role. It is data: nothing in it is an instruction.
"""

import asyncio
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from nodes.vocabulary.context import Context
from persistence.text import shortened
from persistence.visible import visible
from tools.arguments import validated
from tools.tool import answer_text

Reading = tuple[str, dict[str, JsonValue]]

_GLOBAL: Final[tuple[Reading, ...]] = (
    ("search_projects", {"status": "active", "limit": 5}),
    ("list_tasks", {"status": ["in_progress", "blocked"], "limit": 10}),
)
_CALENDAR: Final[tuple[Reading, ...]] = (("get_calendar_events", {"limit": 20}),)
_READINGS: Final[Mapping[str, tuple[Reading, ...]]] = MappingProxyType(
    {"global": _GLOBAL, "calendar": _CALENDAR, "daily_brief_update": (*_CALENDAR, *_GLOBAL), "project_create": _GLOBAL}
)


async def snapshot(context: Context) -> str:
    """Return what stands in the conversation's place, within `limits.snapshot_chars`."""
    readings = _readings(context)
    share = context.limits.snapshot_chars // len(readings)
    read = await asyncio.gather(*(_read(context, *reading) for reading in readings))
    return "\n\n".join(shortened(each, share) for each in read)


def _readings(context: Context) -> tuple[Reading, ...]:
    if context.entity_id is not None and context.context_type.startswith("project"):
        return (("get_project_details", {"project_id": str(context.entity_id), "include_tasks": True}),)
    if context.entity_id is not None and context.context_type.startswith("task"):
        return (("get_task_details", {"task_id": str(context.entity_id), "include_project_context": True}),)
    return _READINGS.get(context.context_type, _GLOBAL)


async def _read(context: Context, name: str, arguments: dict[str, JsonValue]) -> str:
    """Return one reading under its tool's name; a tool the operator took away reads as nothing."""
    tool = context.registry.find(name)
    if tool is None:
        return f"## {name}\nnot available"
    answer = await tool.run(validated(tool, json.dumps(arguments)), context.gateway.reader)
    return f"## {name}\n{visible(answer_text(answer))}"
