"""The workspace's rows as the model reads them.

Ids are text, moments ISO 8601 in the caller's zone, days ISO. Every short form
has the same names each time, null where there is nothing.
"""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from persistence.text import shortened
from persistence.workspace.brain_dumps import BrainDump, ListedBrainDump
from persistence.workspace.notes import ListedNote, Note
from persistence.workspace.projects import ListedProject, Phase, Project, TaskCounts
from persistence.workspace.tasks import LinkedEvent, ShortTask, Task
from tools.local_time import as_local
from tools.tool import Caller

Json = dict[str, JsonValue]

PREVIEW_CHARS: Final = 200
SUMMARY_CHARS: Final = 400  # a summary is short already; this bounds one that is not


def short_task(task: ShortTask, caller: Caller) -> Json:
    """Return a task as a list shows it."""
    return {
        "id": str(task.id),
        "title": task.title,
        "status": task.status,
        "priority": task.priority,
        "project_id": _id(task.project_id),
        "project_name": task.project_name,
        "start_date": _time(task.start_date, caller),
        "duration_minutes": task.duration_minutes,
        "overdue": is_overdue(task, caller),
        "parent_task_id": _id(task.parent_task_id),
    }


def whole_task(task: Task, caller: Caller) -> Json:
    """Return a task with all its fields."""
    rest: Json = {
        "description": task.description,
        "details": task.details,
        "task_type": task.task_type,
        "recurrence_pattern": task.recurrence_pattern,
        "recurrence_ends": _day(task.recurrence_ends),
        "dependencies": [str(task_id) for task_id in task.dependencies],
        "completed_at": _time(task.completed_at, caller),
        "created_at": as_local(task.created_at, caller.time_zone),
        "updated_at": as_local(task.updated_at, caller.time_zone),
    }
    return short_task(task, caller) | rest


def is_overdue(task: ShortTask, caller: Caller) -> bool:
    """Say whether a task was to start on a day before the caller's today and is not done."""
    if task.start_date is None or task.status == "done":
        return False
    return task.start_date.astimezone(caller.time_zone).date() < caller.now.astimezone(caller.time_zone).date()


def named_task(task: ShortTask) -> Json:
    """Return a task as another one names it."""
    return {"id": str(task.id), "title": task.title, "status": task.status}


def linked_event(event: LinkedEvent, caller: Caller) -> Json:
    """Return a task's calendar event."""
    return {
        "event_id": str(event.id),
        "summary": event.summary,
        "start_time": as_local(event.starts_at, caller.time_zone),
        "end_time": as_local(event.ends_at, caller.time_zone),
        "all_day": event.all_day,
        "recurrence": event.recurrence,
    }


def task_counts(counts: TaskCounts) -> Json:
    """Return how many tasks stand where, and the share that is done."""
    return {
        "total": counts.total,
        "backlog": counts.backlog,
        "in_progress": counts.in_progress,
        "blocked": counts.blocked,
        "done": counts.done,
    }


def listed_project(project: ListedProject, caller: Caller) -> Json:
    """Return a project as a list shows it."""
    return _project(project, project) | {
        "description": shortened(project.opening, PREVIEW_CHARS),
        "updated_at": as_local(project.updated_at, caller.time_zone),
    }


def project_in_short(project: Project, counts: TaskCounts, caller: Caller) -> Json:
    """Return a whole project in the form of a list."""
    return _project(project, counts) | {
        "description": shortened(project.description, PREVIEW_CHARS),
        "updated_at": as_local(project.updated_at, caller.time_zone),
    }


def project_context(project: Project, counts: TaskCounts) -> Json:
    """Return what a project says about any of its tasks."""
    return _project(project, counts) | {
        "description": project.description,
        "executive_summary": project.executive_summary,
        "context": project.context,
    }


def whole_project(project: Project, counts: TaskCounts, caller: Caller) -> Json:
    """Return a project with all its fields."""
    return project_context(project, counts) | {
        "slug": project.slug,
        "calendar_color_id": project.calendar_color_id,
        "calendar_sync_enabled": project.calendar_sync_enabled,
        "core_integrity_ideals": project.core_integrity_ideals,
        "core_people_bonds": project.core_people_bonds,
        "core_goals_momentum": project.core_goals_momentum,
        "core_meaning_identity": project.core_meaning_identity,
        "core_reality_understanding": project.core_reality_understanding,
        "core_trust_safeguards": project.core_trust_safeguards,
        "core_opportunity_freedom": project.core_opportunity_freedom,
        "core_power_resources": project.core_power_resources,
        "core_harmony_integration": project.core_harmony_integration,
        "created_at": as_local(project.created_at, caller.time_zone),
        "updated_at": as_local(project.updated_at, caller.time_zone),
    }


def phase(row: Phase) -> Json:
    """Return a phase of a project."""
    return {
        "id": str(row.id),
        "name": row.name,
        "description": row.description,
        "task_counts": task_counts(row),
        "completion_percent": row.completion_percent,
        "task_ids": [str(task_id) for task_id in row.task_ids],
    }


def listed_note(note: ListedNote, caller: Caller) -> Json:
    """Return a note as a list shows it."""
    return _note(note, caller) | {"preview": shortened(note.opening, PREVIEW_CHARS)}


def note_in_short(note: Note, caller: Caller) -> Json:
    """Return a whole note in the form of a list."""
    return _note(note, caller) | {"preview": shortened(note.content, PREVIEW_CHARS)}


def whole_note(note: Note, caller: Caller) -> Json:
    """Return a note with all its fields."""
    return _note(note, caller) | {
        "content": note.content,
        "updated_at": as_local(note.updated_at, caller.time_zone),
    }


def listed_brain_dump(dump: ListedBrainDump, caller: Caller) -> Json:
    """Return a brain dump as a list shows it."""
    return _brain_dump(dump, caller) | {
        "preview": shortened(dump.opening, PREVIEW_CHARS),
        "summary": None if dump.ai_summary is None else shortened(dump.ai_summary, SUMMARY_CHARS),
    }


def brain_dump_in_short(dump: BrainDump, caller: Caller) -> Json:
    """Return a whole brain dump in the form of a list; a new one has no summary."""
    return _brain_dump(dump, caller) | {"preview": shortened(dump.content, PREVIEW_CHARS), "summary": None}


def whole_brain_dump(dump: BrainDump, caller: Caller) -> Json:
    """Return a brain dump with all its fields."""
    return _brain_dump(dump, caller) | {
        "content": dump.content,
        "summary": dump.ai_summary,
        "updated_at": as_local(dump.updated_at, caller.time_zone),
    }


def _project(project: ListedProject | Project, counts: TaskCounts) -> Json:
    return {
        "id": str(project.id),
        "name": project.name,
        "status": project.status,
        "start_date": _day(project.start_date),
        "end_date": _day(project.end_date),
        "tags": [*project.tags],
        "task_counts": task_counts(counts),
        "completion_percent": counts.completion_percent,
    }


def _note(note: ListedNote | Note, caller: Caller) -> Json:
    return {
        "id": str(note.id),
        "title": note.title,
        "category": note.category,
        "tags": [*note.tags],
        "project_id": _id(note.project_id),
        "project_name": note.project_name,
        "created_at": as_local(note.created_at, caller.time_zone),
    }


def _brain_dump(dump: ListedBrainDump | BrainDump, caller: Caller) -> Json:
    return {
        "id": str(dump.id),
        "title": dump.title,
        "status": dump.status,
        "project_id": _id(dump.project_id),
        "project_name": dump.project_name,
        "created_at": as_local(dump.created_at, caller.time_zone),
    }


def _id(row_id: UUID | None) -> str | None:
    return None if row_id is None else str(row_id)


def _time(at: datetime | None, caller: Caller) -> str | None:
    return None if at is None else as_local(at, caller.time_zone)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
