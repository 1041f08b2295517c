"""The questions asked of the `notes` table."""

from persistence.scope import Role
from persistence.workspace import notes
from persistence.workspace.search import OPENING_CHARS
from tests.workspace_rows import NOW, Desk


async def test_a_list_carries_openings_only(desk: Desk) -> None:
    """A list of notes reads one character more than a preview shows, never whole contents."""
    await desk.add("notes", content="x" * 10_000)
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        listed = await notes.search(scope, notes.Wanted(), 10)
    assert [len(note.opening) for note in listed] == [OPENING_CHARS]


async def test_notes_of_one_instant_have_one_order(desk: Desk) -> None:
    """Notes that are equally new are ordered by id, each time the same."""
    ids = [await desk.add("notes", content="x", created_at=NOW) for _ in range(5)]
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        listed = await notes.search(scope, notes.Wanted(), 10)
    assert [note.id for note in listed] == sorted(ids)
