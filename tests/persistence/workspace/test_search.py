"""Literal search."""

import string

from hypothesis import example, given, settings
from hypothesis import strategies as st

from persistence.pools import Database
from persistence.scope import Role
from persistence.workspace import notes
from persistence.workspace.search import pattern_for
from tests.conftest import Person, new_person

# Letters whose case Postgres and Python fold alike whatever the collation, and all that could be read as a wildcard.
LETTERS = st.text(string.ascii_letters + "%_\\'\"*?()[]{}+^$|.- 漢😀", max_size=6)


def test_every_wildcard_stands_for_itself() -> None:
    """A pattern has no wildcard but the two at its ends."""
    assert pattern_for("50%_a\\") == "%50\\%\\_a\\\\%"


def test_a_blank_query_fits_every_text() -> None:
    """Nothing asked for is everything."""
    assert pattern_for("") == pattern_for(" \n ") == "%"


@settings(max_examples=150)
@given(texts=st.lists(LETTERS, min_size=1, max_size=4), query=LETTERS)
@example(texts=["100%", "100 %", "1000"], query="0%")
@example(texts=["a_b", "axb"], query="_")
@example(texts=["a\\", "a"], query="a\\")
async def test_a_search_finds_exactly_the_texts_that_contain_the_query(
    database: Database, texts: list[str], query: str
) -> None:
    """A text is found when it contains the trimmed query in any case, and only then."""
    someone = await new_person(database)
    async with database.acting(Role.WORKER, someone.identity) as scope:
        for text in texts:
            await notes.insert(scope, notes.NewNote(None, text, None, [], None))
        found = await notes.search(scope, notes.Wanted(query), limit=10)
    assert sorted(note.opening for note in found) == sorted(
        text for text in texts if query.strip().lower() in text.lower()
    )


async def test_a_query_of_words_is_one_phrase(database: Database, person: Person) -> None:
    """Words are looked for as they stand, side by side."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        for text in ("the launch plan", "plan the launch"):
            await notes.insert(scope, notes.NewNote(None, text, None, [], None))
        found = await notes.search(scope, notes.Wanted("launch plan"), limit=10)
    assert [note.opening for note in found] == ["the launch plan"]
