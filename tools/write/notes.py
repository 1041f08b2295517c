"""Tool: write a note."""

from typing import Final
from uuid import UUID

from pydantic import Field

from persistence.workspace import notes, projects
from persistence.workspace.notes import NewNote
from tools import rows_as_json, wording
from tools.fields import Category, Content, Tags, Title
from tools.fitting import fitted
from tools.tool import Access, AnyTool, Args, Caller, Tool, ToolAnswer


class CreateNote(Args):
    """Write a note, in a project or without one."""

    content: Content = Field(description="The text of the note.")
    title: Title | None = Field(default=None, description="Its title, in one line.")
    project_id: UUID | None = Field(default=None, description="The project it belongs to.")
    category: Category | None = Field(default=None, description="A word to find notes of a kind by.")
    tags: Tags = Field(default=[], description="Words to find it by.")


async def create_note(args: CreateNote, caller: Caller) -> ToolAnswer:
    """Store a note whose project exists."""
    scope = caller.writing()
    if args.project_id is not None and not await projects.keep(scope, args.project_id):
        return wording.no_project(args.project_id)
    new = NewNote(args.title, args.content, args.category, args.tags, args.project_id)
    note = await notes.find(scope, await notes.insert(scope, new))
    assert note is not None, "this transaction made the row"
    title = wording.quoted(note.title) if note.title else "without a title"
    return fitted(f"Created the note {title}.", note=rows_as_json.note_in_short(note, caller))


TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(name="create_note", args=CreateNote, run=create_note, access=Access.WRITE, kinds={"": "new_note"}),
)
