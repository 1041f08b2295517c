"""A list of texts arrives as it was sent."""

from hypothesis import example, given
from hypothesis import strategies as st

from persistence.arrays import text_array
from persistence.pools import Database
from persistence.scope import Role
from tests.conftest import Person

SPECIAL = ["", " ", "null", "NULL", '"', "\\", "a,b", "{}", "[1:2]={x}", "\n\t\v\f\r", "'", "%s", "\u2028", "é", "😀"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(TEXTS | st.lists(st.sampled_from(SPECIAL)).map("".join)))
@example([])
@example(SPECIAL)
async def test_any_texts_are_read_as_they_were_written(database: Database, person: Person, texts: list[str]) -> None:
    """Quotes, backslashes, braces, commas, white space, nothing at all and the word null stay what they are."""
    async with database.acting(Role.API, person.identity) as scope:
        assert await scope.value(list, "select %s::text[]", (text_array(texts),)) == texts
