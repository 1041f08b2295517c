"""Tools: find tasks, and read one."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from persistence.scope import Scope
from persistence.workspace import projects, tasks
from persistence.workspace.tasks import Order, Priority, Status
from tools import rows_as_json, wording
from tools.fields import OneOrMore
from tools.fitting import fitted
from tools.limits import clamped
from tools.tool import Access, AnyTool, Args, Caller, Tool, ToolAnswer

MOST_TASKS: Final = 50
MOST_SUBTASKS: Final = 50


class ListTasks(Args):
    """List tasks, with or without a project. Use it to find task ids, overdue tasks, or what is open."""

    project_id: UUID | None = Field(default=None, description="Only the tasks of this project.")
    status: Annotated[list[Status], OneOrMore] = Field(
        default=[], description="Only tasks that stand at one of these; a single word is taken too. Empty: all."
    )
    priority: Annotated[list[Priority], OneOrMore] = Field(
        default=[], description="Only tasks of one of these priorities; a single word is taken too. Empty: all."
    )
    has_date: bool | None = Field(default=None, description="true: only tasks with a start date; false: only without.")
    limit: int = Field(default=20, description=f"How many tasks to show, at most {MOST_TASKS}.")
    sort_by: Order = Field(
        default="priority",
        description="priority: high first; start_date: earliest first, undated last; created_at: newest first.",
    )


class GetTaskDetails(Args):
    """Read one whole task with its parent, project, calendar event and subtasks. Use it after list_tasks."""

    task_id: UUID = Field(description="The task's id, as list_tasks gave it.")
    include_subtasks: bool = Field(default=True, description="Also show its subtasks.")
    include_project_context: bool = Field(
        default=False, description="Also show its project's description, summary, context, dates and task counts."
    )


async def list_tasks(args: ListTasks, caller: Caller) -> ToolAnswer:
    """Answer with short tasks, how many there are in all, and whether there are more."""
    limit = clamped(args.limit, MOST_TASKS)
    wanted = tasks.Wanted(
        project_id=args.project_id,
        statuses=args.status or None,
        priorities=args.priority or None,
        has_date=args.has_date,
    )
    async with caller.reading() as scope:
        if args.project_id is not None and await projects.name_of(scope, args.project_id) is None:
            return wording.no_project(args.project_id)
        scope.ends_with_next()
        found = await tasks.listed(scope, wanted, args.sort_by, limit.rows)
    matching = found[0].matching if found else 0
    return fitted(
        wording.listing("task", len(found), matching, limit, "get_task_details"),
        tasks=[rows_as_json.short_task(task, caller) for task in found],
        total=matching,
        has_more=matching > len(found),
    )


async def get_task_details(args: GetTaskDetails, caller: Caller) -> ToolAnswer:
    """Answer with one whole task and what it hangs together with."""
    async with caller.reading() as scope:
        task = await tasks.find(scope, args.task_id)
        if task is None:
            return wording.no_task(args.task_id)
        whole = rows_as_json.whole_task(task, caller)
        whole["parent"] = await _parent(scope, task)
        whole["project"] = await _project(scope, task, in_full=args.include_project_context)
        whole["calendar_event"] = await _calendar_event(scope, task, caller)
        if args.include_subtasks:
            whole["subtasks"] = await _subtasks(scope, task, caller)
    return fitted(
        f"Task {wording.quoted(task.title)}, {task.status}. Use update_task with its id to change it.", task=whole
    )


async def _parent(scope: Scope, task: tasks.Task) -> rows_as_json.Json | None:
    if task.parent_task_id is None:
        return None
    parent = await tasks.find(scope, task.parent_task_id)
    return None if parent is None else rows_as_json.named_task(parent)


async def _project(scope: Scope, task: tasks.Task, *, in_full: bool) -> rows_as_json.Json | None:
    if task.project_id is None:
        return None
    if not in_full:
        return {"id": str(task.project_id), "name": task.project_name}
    project = await projects.find(scope, task.project_id)
    if project is None:
        return None
    return rows_as_json.project_context(project, await projects.task_counts(scope, project.id))


async def _calendar_event(scope: Scope, task: tasks.Task, caller: Caller) -> rows_as_json.Json | None:
    event = await tasks.linked_event(scope, task.id)
    return None if event is None else rows_as_json.linked_event(event, caller)


async def _subtasks(scope: Scope, task: tasks.Task, caller: Caller) -> rows_as_json.Json:
    wanted = tasks.Wanted(parent_task_id=task.id)
    found = await tasks.listed(scope, wanted, "start_date", MOST_SUBTASKS)
    return {
        "total": found[0].matching if found else 0,
        "tasks": [rows_as_json.short_task(subtask, caller) for subtask in found],
    }


TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(name="list_tasks", args=ListTasks, run=list_tasks, access=Access.READ),
    Tool(name="get_task_details", args=GetTaskDetails, run=get_task_details, access=Access.READ),
)
