"""Tool: write a brain dump."""

from typing import Final
from uuid import UUID

from pydantic import Field

from persistence.workspace import brain_dumps, projects
from tools import rows_as_json, wording
from tools.fields import Content
from tools.fitting import fitted
from tools.tool import Access, AnyTool, Args, Caller, Tool, ToolAnswer


class CreateBrainDump(Args):
    """Keep thoughts as they came, to be sorted later."""

    content: Content = Field(description="The thoughts, unsorted.")
    project_id: UUID | None = Field(default=None, description="The project they belong to.")


async def create_brain_dump(args: CreateBrainDump, caller: Caller) -> ToolAnswer:
    """Store a dump whose project exists."""
    scope = caller.writing()
    if args.project_id is not None and not await projects.keep(scope, args.project_id):
        return wording.no_project(args.project_id)
    dump = await brain_dumps.find(scope, await brain_dumps.insert(scope, args.content, args.project_id))
    assert dump is not None, "this transaction made the row"
    return fitted("Created the brain dump.", brain_dump=rows_as_json.brain_dump_in_short(dump, caller))


TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(
        name="create_brain_dump",
        args=CreateBrainDump,
        run=create_brain_dump,
        access=Access.WRITE,
        kinds={"": "new_brain_dump"},
    ),
)
