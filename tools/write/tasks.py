"""Tools: create a task, change a task."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field

from persistence.scope import Scope
from persistence.workspace import calendar, projects, tasks
from persistence.workspace.tasks import NewTask, Priority, Status, Task, TaskType
from tools import rows_as_json, wording
from tools.fields import MAX_DURATION_MINUTES, Minutes, Text, Title
from tools.fitting import fitted
from tools.local_time import answers_bad_times, at_same_time, resolve
from tools.tool import Access, AnyTool, Args, Caller, Tool, ToolAnswer, refused
from tools.write.updates import Updates, differing, with_changes


class CreateTask(Args):
    """Create a task, in a project or without one."""

    title: Title = Field(description="What is to be done, in one line.")
    description: Text = Field(default="", description="What it is about.")
    project_id: UUID | None = Field(default=None, description="The project it belongs to. A subtask has its parent's.")
    priority: Priority = "medium"
    task_type: TaskType = Field(default="one_off", description="recurring: it comes back after it is done.")
    duration_minutes: Minutes = Field(default=60, description=f"1 to {MAX_DURATION_MINUTES}.")
    start_date: str | None = Field(
        default=None, description="ISO 8601, 2027-03-28 or 2027-03-28T14:30; without an offset in the user's time zone."
    )
    parent_task_id: UUID | None = Field(default=None, description="The task that this one is a part of.")


class TaskUpdates(Updates):
    """The task's fields to change; at least one."""

    clearable: ClassVar[frozenset[str]] = frozenset({"start_date"})

    title: Title | None = None
    description: Text | None = None
    details: Text | None = None
    status: Status | None = Field(default=None, description="done completes the task; any other status reopens it.")
    priority: Priority | None = None
    start_date: str | None = Field(
        default=None,
        description="ISO 8601 in the user's time zone. Moves the linked calendar event; null removes both. "
        "A date alone keeps the time of day.",
    )
    duration_minutes: Minutes | None = None


class UpdateTask(Args):
    """Change fields of a task. A new start_date also moves its calendar event."""

    task_id: UUID = Field(description="The task's id, as list_tasks gave it.")
    updates: TaskUpdates


@answers_bad_times
async def create_task(args: CreateTask, caller: Caller) -> ToolAnswer:
    """Store a task whose project and parent exist; a subtask is in its parent's project."""
    scope = caller.writing()
    start = None if args.start_date is None else resolve(args.start_date, caller.time_zone)
    parent = None if args.parent_task_id is None else await tasks.find_to_point_at(scope, args.parent_task_id)
    if args.parent_task_id is not None and parent is None:
        return wording.no_task(args.parent_task_id)
    inherited = None if parent is None else parent.project_id
    if args.project_id is not None and not await projects.keep(scope, args.project_id):
        return wording.no_project(args.project_id)
    if args.project_id is not None and inherited not in {None, args.project_id}:
        return refused(f"The parent task is in another project, {inherited}. Leave project_id out: a subtask has its.")
    at = None if start is None else start.at
    created = await _created(scope, args, args.project_id or inherited, at)
    note = "" if start is None or start.note is None else f" {start.note}"
    return fitted(
        f"Created the task {wording.quoted(created.title)}.{note}", task=rows_as_json.short_task(created, caller)
    )


@answers_bad_times
async def update_task(args: UpdateTask, caller: Caller) -> ToolAnswer:
    """Store the fields that differ, and let the linked calendar event follow the start."""
    scope = caller.writing()
    task = await tasks.find_to_change(scope, args.task_id)
    if task is None:
        return wording.no_task(args.task_id)
    values, note = wanted(args.updates, task, caller)
    changes = differing(task, values)
    if changes:
        await tasks.save(scope, with_changes(task, changes))
    event_changed = await _event_follows(scope, task, values)
    names = [*changes, "calendar_event"] if event_changed else [*changes]
    changed = await tasks.find(scope, task.id)
    assert changed is not None, "the row is locked by this transaction"
    return fitted(
        wording.updated("task", changed.title, names) + note,
        task=rows_as_json.short_task(changed, caller),
        changed=[*names],
    )


async def _created(scope: Scope, args: CreateTask, project_id: UUID | None, at: datetime | None) -> Task:
    new = NewTask(
        title=args.title,
        description=args.description,
        project_id=project_id,
        priority=args.priority,
        task_type=args.task_type,
        duration_minutes=args.duration_minutes,
        start_date=at,
        parent_task_id=args.parent_task_id,
    )
    created = await tasks.find(scope, await tasks.insert(scope, new))
    assert created is not None, "this transaction made the row"
    return created


def wanted(updates: TaskUpdates, task: Task, caller: Caller) -> tuple[dict[str, object], str]:
    """Return the given fields as the row has them, and what to say about the start.

    Raises:
        LocalTimeInvalid: the start is no time that can be stored.
    """
    values = updates.given()
    if updates.start_date is None:
        return values, ""
    moment = resolve(updates.start_date, caller.time_zone)
    at = at_same_time(moment, task.start_date or moment.at, caller.time_zone)
    return values | {"start_date": at}, f" {moment.note}" if moment.note else ""


async def _event_follows(scope: Scope, task: Task, wanted: dict[str, object]) -> bool:
    """Move or remove the linked event when the start was given; say whether there was one to change."""
    start = wanted.get("start_date", task.start_date)
    if isinstance(start, datetime):
        return start != task.start_date and await calendar.move_event_of_task(scope, task.id, start)
    return "start_date" in wanted and await calendar.unlink_event_of_task(scope, task.id)


_KINDS: Final = {
    "title": "task_title",
    "description": "task_text",
    "details": "task_text",
    "status": "task_status",
    "priority": "task_priority",
    "start_date": "time",
    "duration_minutes": "time",
}

TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(name="create_task", args=CreateTask, run=create_task, access=Access.WRITE, kinds={"": "new_task"}),
    Tool(name="update_task", args=UpdateTask, run=update_task, access=Access.WRITE, kinds=_KINDS),
)
