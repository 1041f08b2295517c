"""The fields of request bodies."""

import json
from uuid import UUID

import pytest
from pydantic import JsonValue

from server.bodies import Ask, Quoted, SessionChange
from server.door import parsed
from server.refusals import Refused

ID = "0b8e1c1e-7d0c-4b3a-9f57-0f4f2a1c9d01"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param([], "not_an_object", id="a list"),
        pytest.param("hello", "not_an_object", id="a text"),
        pytest.param({}, "invalid_field", id="no message"),
        pytest.param({"message": ""}, "message_empty", id="nothing"),
        pytest.param({"message": "  \n\t"}, "message_empty", id="white space"),
        pytest.param({"message": "\u200b\u2060\ufeff\u3164"}, "message_empty", id="characters without a shape"),
        pytest.param({"message": 1}, "invalid_field", id="a number"),
        pytest.param({"message": ["a"]}, "invalid_field", id="a list of texts"),
        pytest.param({"message": "a", "user_id": ID}, "unknown_field", id="someone's user id"),
        pytest.param({"message": "", "role": "admin"}, "message_empty", id="two faults, the first is told"),
        pytest.param({"message": "a", "lc": 1, "type": "constructor"}, "unknown_field", id="a revivable object"),
        pytest.param({"message": "a", "session_id": ID.upper()}, "invalid_id", id="an id in upper case"),
        pytest.param({"message": "a", "session_id": f"{{{ID}}}"}, "invalid_id", id="an id in braces"),
        pytest.param({"message": "a", "session_id": f"urn:uuid:{ID}"}, "invalid_id", id="an id as a URN"),
        pytest.param({"message": "a", "session_id": f" {ID}"}, "invalid_id", id="an id with a space"),
        pytest.param({"message": "a", "session_id": [ID]}, "invalid_id", id="a list of ids"),
        pytest.param({"message": "a", "session_id": "a" * 10_000}, "invalid_id", id="an id of 10 KB"),
        pytest.param({"message": "a", "entity_id": 7}, "invalid_id", id="a number as an id"),
        pytest.param({"message": "a", "context_type": "galaxy"}, "invalid_field", id="a place there is not"),
        pytest.param({"message": "a", "route": "simple"}, "invalid_field", id="a route there is not"),
        pytest.param({"message": "a", "conversationHistory": "x"}, "invalid_field", id="history that is no list"),
        pytest.param(
            {"message": "a", "conversationHistory": [{"role": "boss", "content": "x"}]},
            "invalid_field",
            id="history of somebody unknown",
        ),
    ],
)
def test_a_body_with_a_wrong_field_is_refused(body: JsonValue, code: str) -> None:
    """Each wrong field is refused with a code that names the kind of fault and repeats nothing."""
    with pytest.raises(Refused) as refusal:
        parsed(json.dumps(body).encode(), Ask)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("a" * 16_384, "the longest in plain letters"),
        ("🙂" * 4096, "the longest in emoji"),
        ("a\r\nb\u2028c\u0085d\x0be\x0c", "every kind of line end"),
        ("\u200ba", "one visible letter"),
    ],
)
def test_a_message_is_taken_as_it_is(message: str, reason: str) -> None:
    """A message that says something and fits is kept letter for letter."""
    assert parsed(json.dumps({"message": message}).encode(), Ask).message == message, reason


@pytest.mark.parametrize("spelling", ["conversationHistory", "conversation_history"])
def test_history_has_two_spellings_and_keeps_only_role_and_content(spelling: str) -> None:
    """History comes under either name; whatever else a message of it carries is dropped."""
    body = {"message": "a", spelling: [{"role": "user", "content": "b", "id": 3, "lc": 1}]}
    assert parsed(json.dumps(body).encode(), Ask).history == (Quoted(role="user", content="b"),)


def test_general_is_another_word_for_global() -> None:
    """`general` is stored as `global`; ids come out as ids."""
    ask = parsed(json.dumps({"message": "a", "context_type": "general", "session_id": ID}).encode(), Ask)
    assert (ask.place, ask.session_id) == ("global", UUID(ID))


@pytest.mark.parametrize(
    ("title", "code"), [("", "title_empty"), ("\u200b", "title_empty"), ("a" * 201, "invalid_field")]
)
def test_a_title_says_something_and_fits(title: str, code: str) -> None:
    """An empty title and one that the table does not take are refused."""
    with pytest.raises(Refused) as refusal:
        parsed(json.dumps({"title": title}).encode(), SessionChange)
    assert refusal.value.code == code
