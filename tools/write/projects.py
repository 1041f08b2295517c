"""Tool: change a project."""

from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field, StringConstraints

from persistence.workspace import projects
from persistence.workspace.projects import Status
from tools import rows_as_json, wording
from tools.fields import Day, Name, Tags, Text
from tools.fitting import fitted
from tools.tool import Access, AnyTool, Args, Caller, Harm, Tool, ToolAnswer, refused
from tools.write.updates import Updates, differing, with_changes

MAX_COLOR_ID_CHARS: Final = 50  # calendars name colours by a number or a short word

ColorId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_COLOR_ID_CHARS)]


class ProjectUpdates(Updates):
    """The project's fields to change; at least one. A null empties a date or the colour."""

    clearable: ClassVar[frozenset[str]] = frozenset({"start_date", "end_date", "calendar_color_id"})

    name: Name | None = None
    description: Text | None = None
    executive_summary: Text | None = None
    context: Text | None = None
    status: Status | None = None
    start_date: Day | None = Field(default=None, description="2027-03-28, or null for none.")
    end_date: Day | None = Field(default=None, description="2027-03-28, not before the start, or null for none.")
    tags: Tags | None = Field(default=None, description="All tags; those left out are removed.")
    calendar_color_id: ColorId | None = None
    calendar_sync_enabled: bool | None = None
    core_integrity_ideals: Text | None = None
    core_people_bonds: Text | None = None
    core_goals_momentum: Text | None = None
    core_meaning_identity: Text | None = None
    core_reality_understanding: Text | None = None
    core_trust_safeguards: Text | None = None
    core_opportunity_freedom: Text | None = None
    core_power_resources: Text | None = None
    core_harmony_integration: Text | None = None


class UpdateProject(Args):
    """Change fields of a project."""

    project_id: UUID = Field(description="The project's id, as search_projects gave it.")
    updates: ProjectUpdates


async def update_project(args: UpdateProject, caller: Caller) -> ToolAnswer:
    """Store the fields that differ."""
    scope = caller.writing()
    project = await projects.find_to_change(scope, args.project_id)
    if project is None:
        return wording.no_project(args.project_id)
    changes = differing(project, args.updates.given())
    wanted = with_changes(project, changes)
    if wanted.start_date and wanted.end_date and wanted.end_date < wanted.start_date:
        return refused(f"The project cannot end on {wanted.end_date}: it starts on {wanted.start_date}.")
    if changes:
        await projects.save(scope, wanted)
    changed = await projects.find(scope, project.id)
    assert changed is not None, "the row is locked by this transaction"
    counts = await projects.task_counts(scope, project.id)
    return fitted(
        wording.updated("project", changed.name, [*changes]),
        project=rows_as_json.project_in_short(changed, counts, caller),
        changed=[*changes],
    )


def archives(args: UpdateProject) -> Harm | None:
    """Say whether the call puts the project away."""
    return Harm.ARCHIVES if args.updates.status == "archived" else None


_KINDS: Final = dict.fromkeys(ProjectUpdates.model_fields, "project_text") | {
    "name": "project_name",
    "status": "project_status",
    "start_date": "project_dates",
    "end_date": "project_dates",
    "tags": "project_tags",
    "calendar_color_id": "project_calendar",
    "calendar_sync_enabled": "project_calendar",
}

TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(
        name="update_project", args=UpdateProject, run=update_project, access=Access.WRITE, harm=archives, kinds=_KINDS
    ),
)
