"""The sentences that several tools share."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from persistence.text import shortened
from tools.limits import Clamped
from tools.tool import ToolAnswer, refused

QUOTED_CHARS: Final = 80  # enough to recognise a title; the data has the whole one


def quoted(title: str) -> str:
    """Return a title as a sentence names it."""
    return f"“{shortened(title, QUOTED_CHARS)}”"


def counted(number: int, noun: str) -> str:
    """Return “1 task”, “2 tasks”."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listing(noun: str, shown: int, matching: int, limit: Clamped, next_tool: str) -> str:
    """Return the message of a list: how many fit, how many are here, where to read on."""
    if not matching:
        return f"No {noun} matches.{limit.note}"
    part = f"; the first {shown} are shown" if shown < matching else ""
    verb = "matches" if matching == 1 else "match"
    return f"{counted(matching, noun)} {verb}{part}.{limit.note} Use {next_tool} with an id for the whole {noun}."


def updated(noun: str, title: str, changes: Sequence[str]) -> str:
    """Return the message of an update: which fields it changed, if any."""
    if not changes:
        return f"Nothing changed: the {noun} {quoted(title)} already is as asked."
    return f"Updated the {noun} {quoted(title)}: {', '.join(changes)}."


def no_task(task_id: UUID) -> ToolAnswer:
    """Refuse an id that is no task of the caller's."""
    return _no("task", task_id, "list_tasks")


def no_project(project_id: UUID) -> ToolAnswer:
    """Refuse an id that is no project of the caller's."""
    return _no("project", project_id, "search_projects")


def no_note(note_id: UUID) -> ToolAnswer:
    """Refuse an id that is no note of the caller's."""
    return _no("note", note_id, "search_notes")


def no_brain_dump(brain_dump_id: UUID) -> ToolAnswer:
    """Refuse an id that is no brain dump of the caller's."""
    return _no("brain dump", brain_dump_id, "search_brain_dumps")


def _no(noun: str, row_id: UUID, finder: str) -> ToolAnswer:
    """Say it in the same words whether the row is missing or someone else's."""
    return refused(f"There is no {noun} {row_id}. Look it up with {finder}.", code="not_found")
