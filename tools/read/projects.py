"""Tools: find projects, and read one."""

from typing import Final
from uuid import UUID

from pydantic import Field

from persistence.scope import Scope
from persistence.workspace import brain_dumps, notes, projects, tasks
from persistence.workspace.projects import Status
from tools import rows_as_json, wording
from tools.fields import Query
from tools.fitting import fitted
from tools.limits import clamped
from tools.tool import Access, AnyTool, Args, Caller, Tool, ToolAnswer

MOST_PROJECTS: Final = 20
MOST_TASKS: Final = 50
MOST_NOTES: Final = 10
MOST_BRAIN_DUMPS: Final = 10


class SearchProjects(Args):
    """Find projects by words in their name, description or tags, or list the last changed ones."""

    query: Query = Field(default="", description="Words as they stand in the text, in any case. Empty: all projects.")
    status: Status | None = Field(default=None, description="Only projects that stand here.")
    has_active_tasks: bool | None = Field(
        default=None, description="true: only projects with tasks that are not done; false: only projects without."
    )
    limit: int = Field(default=10, description=f"How many projects to show, at most {MOST_PROJECTS}.")


class GetProjectDetails(Args):
    """Read one whole project with its completion and phases. Use it after search_projects."""

    project_id: UUID = Field(description="The project's id, as search_projects gave it.")
    include_tasks: bool = Field(default=False, description=f"Also show its tasks, at most {MOST_TASKS}.")
    include_phases: bool = Field(default=True, description="Also show its phases, with their tasks' ids.")
    include_notes: bool = Field(default=False, description=f"Also show its newest notes, at most {MOST_NOTES}.")
    include_brain_dumps: bool = Field(
        default=False, description=f"Also show its newest brain dumps, at most {MOST_BRAIN_DUMPS}."
    )


async def search_projects(args: SearchProjects, caller: Caller) -> ToolAnswer:
    """Answer with short projects, their task counts and completion."""
    limit = clamped(args.limit, MOST_PROJECTS)
    wanted = projects.Wanted(args.query, args.status, args.has_active_tasks)
    async with caller.reading() as scope:
        scope.ends_with_next()
        found = await projects.search(scope, wanted, limit.rows)
    matching = found[0].matching if found else 0
    return fitted(
        wording.listing("project", len(found), matching, limit, "get_project_details"),
        projects=[rows_as_json.listed_project(project, caller) for project in found],
        total=matching,
        has_more=matching > len(found),
    )


async def get_project_details(args: GetProjectDetails, caller: Caller) -> ToolAnswer:
    """Answer with one whole project and the parts of it that were asked for."""
    async with caller.reading() as scope:
        project = await projects.find(scope, args.project_id)
        if project is None:
            return wording.no_project(args.project_id)
        counts = await projects.task_counts(scope, project.id)
        parts = await _parts(scope, args, caller)
    done = f"{counts.done} of {wording.counted(counts.total, 'task')} done ({counts.completion_percent} %)"
    return fitted(
        f"Project {wording.quoted(project.name)}, {project.status}: {done}. Use list_tasks with its id for its tasks.",
        project=rows_as_json.whole_project(project, counts, caller),
        **parts,
    )


async def _parts(scope: Scope, args: GetProjectDetails, caller: Caller) -> rows_as_json.Json:
    parts: rows_as_json.Json = {}
    if args.include_phases:
        parts["phases"] = [rows_as_json.phase(phase) for phase in await projects.phases(scope, args.project_id)]
    if args.include_tasks:
        listed = await tasks.listed(scope, tasks.Wanted(project_id=args.project_id), "priority", MOST_TASKS)
        parts["tasks"] = [rows_as_json.short_task(task, caller) for task in listed]
    if args.include_notes:
        newest = await notes.search(scope, notes.Wanted(project_id=args.project_id), MOST_NOTES)
        parts["notes"] = [rows_as_json.listed_note(note, caller) for note in newest]
        parts["notes_total"] = newest[0].matching if newest else 0
    if args.include_brain_dumps:
        dumps = await brain_dumps.search(scope, brain_dumps.Wanted(project_id=args.project_id), MOST_BRAIN_DUMPS)
        parts["brain_dumps"] = [rows_as_json.listed_brain_dump(dump, caller) for dump in dumps]
        parts["brain_dumps_total"] = dumps[0].matching if dumps else 0
    return parts


TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(name="search_projects", args=SearchProjects, run=search_projects, access=Access.READ),
    Tool(name="get_project_details", args=GetProjectDetails, run=get_project_details, access=Access.READ),
)
