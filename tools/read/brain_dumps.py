"""Tools: find brain dumps, and read one."""

from typing import Final
from uuid import UUID

from pydantic import Field

from persistence.workspace import brain_dumps, projects
from persistence.workspace.brain_dumps import Status
from tools import rows_as_json, wording
from tools.fields import Query
from tools.fitting import fitted
from tools.limits import clamped
from tools.tool import Access, AnyTool, Args, Caller, Tool, ToolAnswer

MOST_BRAIN_DUMPS: Final = 20


class SearchBrainDumps(Args):
    """Find brain dumps, thoughts written down as they came, by words in content or summary, or list the newest."""

    query: Query = Field(default="", description="Words as they stand in the text, in any case. Empty: all dumps.")
    project_id: UUID | None = Field(default=None, description="Only the dumps of this project.")
    status: Status | None = Field(default=None, description="Only dumps that are processed this far.")
    limit: int = Field(default=10, description=f"How many dumps to show, at most {MOST_BRAIN_DUMPS}.")


class GetBrainDumpDetails(Args):
    """Read one brain dump in full. Use it after search_brain_dumps."""

    brain_dump_id: UUID = Field(description="The dump's id, as search_brain_dumps gave it.")


async def search_brain_dumps(args: SearchBrainDumps, caller: Caller) -> ToolAnswer:
    """Answer with the openings and summaries of dumps, newest first."""
    limit = clamped(args.limit, MOST_BRAIN_DUMPS)
    wanted = brain_dumps.Wanted(args.query, args.project_id, args.status)
    async with caller.reading() as scope:
        if args.project_id is not None and await projects.name_of(scope, args.project_id) is None:
            return wording.no_project(args.project_id)
        scope.ends_with_next()
        found = await brain_dumps.search(scope, wanted, limit.rows)
    matching = found[0].matching if found else 0
    return fitted(
        wording.listing("brain dump", len(found), matching, limit, "get_brain_dump_details"),
        brain_dumps=[rows_as_json.listed_brain_dump(dump, caller) for dump in found],
        total=matching,
        has_more=matching > len(found),
    )


async def get_brain_dump_details(args: GetBrainDumpDetails, caller: Caller) -> ToolAnswer:
    """Answer with one whole dump."""
    async with caller.reading() as scope:
        scope.ends_with_next()
        dump = await brain_dumps.find(scope, args.brain_dump_id)
    if dump is None:
        return wording.no_brain_dump(args.brain_dump_id)
    return fitted(
        f"Brain dump, {dump.status}, {wording.counted(len(dump.content), 'character')}.",
        brain_dump=rows_as_json.whole_brain_dump(dump, caller),
    )


TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(name="search_brain_dumps", args=SearchBrainDumps, run=search_brain_dumps, access=Access.READ),
    Tool(name="get_brain_dump_details", args=GetBrainDumpDetails, run=get_brain_dump_details, access=Access.READ),
)
