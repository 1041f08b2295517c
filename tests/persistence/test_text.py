"""JSON that was not stored yet reads as it will when it comes back."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from pydantic import JsonValue

from persistence.pools import Database
from persistence.scope import Role
from persistence.text import in_stored_order, storable_json
from tests.conftest import Person

WHOLE = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(WHOLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
@example({"summary": "", "data": {"é": 1, "zz": 2, "😀": 3, "a": [{"bb": 1, "b": 2}]}, "": None})
async def test_keys_stand_as_the_database_gives_them_back(database: Database, person: Person, value: JsonValue) -> None:
    """However deep they are and whatever they are made of, their order is the one of `jsonb`."""
    ours = in_stored_order(storable_json(value))
    async with database.acting(Role.API, person.identity) as scope:
        stored = await scope.value(str, "select (%s::jsonb)::text", (Jsonb(ours),))
    assert stored is not None
    assert json.dumps(json.loads(stored)) == json.dumps(ours)
