"""What models are sent is the JSON of what was meant, whatever a person or a tool wrote."""

import json

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from nodes.vocabulary.model_json import model_json

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@given(st.dictionaries(st.text(), VALUES))
def test_a_value_is_read_as_it_was_written(value: dict[str, JsonValue]) -> None:
    """Numbers of any length too."""
    assert json.loads(model_json(value)) == value


def test_half_of_a_character_becomes_a_question_mark() -> None:
    """It cannot be said in UTF-8, and the request is sent all the same."""
    assert json.loads(model_json({"\ud800": ["a\udc00b"]})) == {"?": ["a?b"]}
