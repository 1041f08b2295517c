"""Tools: find notes, and read one."""

from typing import Final
from uuid import UUID

from pydantic import Field

from persistence.workspace import notes, projects
from tools import rows_as_json, wording
from tools.fields import Category, Query
from tools.fitting import fitted
from tools.limits import clamped
from tools.tool import Access, AnyTool, Args, Caller, Tool, ToolAnswer

MOST_NOTES: Final = 20


class SearchNotes(Args):
    """Find notes by words in their title or content, or list the newest ones."""

    query: Query = Field(default="", description="Words as they stand in the text, in any case. Empty: all notes.")
    project_id: UUID | None = Field(default=None, description="Only the notes of this project.")
    category: Category | None = Field(default=None, description="Only notes of this category, in any case.")
    limit: int = Field(default=10, description=f"How many notes to show, at most {MOST_NOTES}.")


class GetNoteDetails(Args):
    """Read one note in full. Use it after search_notes."""

    note_id: UUID = Field(description="The note's id, as search_notes gave it.")


async def search_notes(args: SearchNotes, caller: Caller) -> ToolAnswer:
    """Answer with the openings of notes, newest first."""
    limit = clamped(args.limit, MOST_NOTES)
    wanted = notes.Wanted(args.query, args.project_id, args.category)
    async with caller.reading() as scope:
        if args.project_id is not None and await projects.name_of(scope, args.project_id) is None:
            return wording.no_project(args.project_id)
        scope.ends_with_next()
        found = await notes.search(scope, wanted, limit.rows)
    matching = found[0].matching if found else 0
    return fitted(
        wording.listing("note", len(found), matching, limit, "get_note_details"),
        notes=[rows_as_json.listed_note(note, caller) for note in found],
        total=matching,
        has_more=matching > len(found),
    )


async def get_note_details(args: GetNoteDetails, caller: Caller) -> ToolAnswer:
    """Answer with one whole note and its project."""
    async with caller.reading() as scope:
        scope.ends_with_next()
        note = await notes.find(scope, args.note_id)
    if note is None:
        return wording.no_note(args.note_id)
    title = wording.quoted(note.title) if note.title else "without a title"
    return fitted(
        f"Note {title}, {wording.counted(len(note.content), 'character')}.",
        note=rows_as_json.whole_note(note, caller),
    )


TOOLS: Final[tuple[AnyTool, ...]] = (
    Tool(name="search_notes", args=SearchNotes, run=search_notes, access=Access.READ),
    Tool(name="get_note_details", args=GetNoteDetails, run=get_note_details, access=Access.READ),
)
