"""Arguments from the raw text that a model wrote: strictly, and with a sentence on what to change."""

import json
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.text import is_storable
from tests.workspace_rows import TOOLS
from tools.arguments import MAX_ARGUMENT_CHARS, MAX_DEPTH, canonical, parse_object, validated
from tools.errors import ArgumentsInvalid

CREATE_TASK: Final = TOOLS["create_task"]


def nested(levels: int) -> str:
    """Return an object of so many levels."""
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param("", "not complete JSON", id="nothing"),
        pytest.param(" \n", "not complete JSON", id="white space"),
        pytest.param("null", "one JSON object", id="null"),
        pytest.param("[]", "one JSON object", id="a list"),
        pytest.param('[{"title": "T"}]', "one JSON object", id="an object in a list"),
        pytest.param('"{}"', "one JSON object", id="a string that holds an object"),
        pytest.param("7", "one JSON object", id="a number"),
        pytest.param("true", "one JSON object", id="a truth value"),
        pytest.param('{"amount": 1000, "dry_run": tr', "not complete JSON", id="cut off in a word"),
        pytest.param('{"amount": 10', "not complete JSON", id="cut off in a number"),
        pytest.param('{"title": "T', "not complete JSON", id="cut off in a string"),
        pytest.param('{"title": "T"', "not complete JSON", id="cut off before the end"),
        pytest.param('{"title": "T"} {}', "not complete JSON", id="two objects"),
        pytest.param('{"title": "T"}}', "not complete JSON", id="one brace too many"),
        pytest.param('```json\n{"title": "T"}\n```', "not complete JSON", id="fenced"),
        pytest.param("{'title': 'T'}", "not complete JSON", id="Python's quotes"),
        pytest.param('{"title": "T",}', "not complete JSON", id="a comma too many"),
        pytest.param('{"title": "a", "title": "b"}', "twice", id="a name twice"),
        pytest.param('{"a": {"b": 1, "b": 2}}', "twice", id="a name twice inside"),
        pytest.param('{"limit": NaN}', "NaN", id="not a number"),
        pytest.param('{"limit": -Infinity}', "Infinity", id="infinity"),
        pytest.param('{"limit": 1e999}', "too large", id="a number that becomes infinity"),
        pytest.param(nested(MAX_DEPTH + 1), "deeper", id="one level too deep"),
        pytest.param(nested(5_000), "not complete JSON", id="deeper than a parser goes"),
        pytest.param("[" * 30_000, "not complete JSON", id="brackets only"),
        pytest.param('{"limit": ' + "9" * 5_000 + "}", "not complete JSON", id="a number of 5,000 digits"),
        pytest.param('{"title": "' + "x" * 1_000_000 + '"}', "longer than", id="a megabyte"),
        pytest.param('{"title": "a\x00b"}', "not complete JSON", id="a raw NUL"),
    ],
)
def test_what_is_not_one_json_object_is_refused(raw: str, reason: str) -> None:
    """Text that is not exactly one object is never repaired: nothing runs, and the model is told why."""
    with pytest.raises(ArgumentsInvalid, match=reason):
        parse_object(raw)


def test_the_longest_and_the_deepest_pass() -> None:
    """The limits themselves are allowed."""
    longest = '{"title": "' + "x" * (MAX_ARGUMENT_CHARS - 13) + '"}'
    assert len(longest) == MAX_ARGUMENT_CHARS
    assert parse_object(longest)
    assert parse_object(nested(MAX_DEPTH))


@given(st.text())
def test_no_text_does_anything_but_parse_or_be_refused(raw: str) -> None:
    """Whatever the text, the outcome is an object or `ArgumentsInvalid`."""
    with suppress(ArgumentsInvalid):
        assert isinstance(parse_object(raw), dict)


PIECES: Final = st.sampled_from(
    [
        '{"a":',
        "{",
        "}",
        "[",
        "]",
        '"',
        "\\",
        "\\u0000",
        "\\ud800",
        "1e999",
        "NaN",
        "null",
        ",",
        ":",
        '"a"',
        "\x00",
        "\ud800",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join))
def test_no_broken_json_does_anything_else_either(raw: str) -> None:
    """Text made of the pieces of JSON is parsed into what can be stored, or refused."""
    with suppress(ArgumentsInvalid):
        assert is_storable(json.dumps(parse_object(raw), ensure_ascii=False))


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_a_storable_object_comes_through_as_it_is(value: dict[str, object]) -> None:
    """An object without unstorable text is what its JSON text parses to."""
    raw = json.dumps(value)
    with suppress(ArgumentsInvalid):
        parsed = parse_object(raw)
        if is_storable(json.dumps(value, ensure_ascii=False)) and "\\u0000" not in raw:
            assert parsed == value


def test_what_cannot_be_stored_is_replaced() -> None:
    """An escaped NUL or lone surrogate, in a name or a value, becomes the replacement character."""
    assert parse_object('{"a\\u0000": ["\\ud800", {"b": "\\u0000"}]}') == {"a\ufffd": ["\ufffd", {"b": "\ufffd"}]}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param("{}", "title: Field required", id="nothing given"),
        pytest.param('{"title": null}', "title: Field required", id="null for what is required"),
        pytest.param('{"title": 7}', "title: Input should be a valid string", id="a number for a string"),
        pytest.param('{"title": "T", "duration_minutes": "60"}', "duration_minutes", id="a string for a number"),
        pytest.param('{"title": "T", "duration_minutes": 60.5}', "duration_minutes", id="half a minute"),
        pytest.param('{"title": "T", "duration_minutes": true}', "duration_minutes", id="true for a number"),
        pytest.param('{"title": "T", "priority": "urgent"}', "priority", id="a word outside the list"),
        pytest.param('{"title": "T", "project_id": "7"}', "project_id", id="not a uuid"),
        pytest.param('{"title": "T", "colour": "red"}', "colour: Extra inputs", id="an unknown name"),
        pytest.param('{"title": "T", "Title": "U"}', "Title: Extra inputs", id="another case"),
        pytest.param('{"title": "T", "user_id": "x"}', "user_id: Extra inputs", id="whose rows they are"),
    ],
)
def test_arguments_that_the_tool_does_not_take_are_named(raw: str, problem: str) -> None:
    """The refusal names each parameter that is wrong, and lists those there are, required ones marked."""
    with pytest.raises(ArgumentsInvalid) as refusal:
        validated(CREATE_TASK, raw)
    text = str(refusal.value)
    assert problem in text
    assert text.startswith("create_task could not run. ")
    assert "It takes: title*, description, " in text


def test_a_null_counts_as_not_given() -> None:
    """Models send null for what they leave out: the default stands."""
    given_args = validated(CREATE_TASK, '{"title": "T", "project_id": null, "priority": null, "start_date": null}')
    assert given_args == validated(CREATE_TASK, '{"title": "T"}')


def test_camel_case_is_understood() -> None:
    """`durationMinutes` is `duration_minutes`."""
    assert validated(CREATE_TASK, '{"title": "T", "durationMinutes": 30}') == validated(
        CREATE_TASK, '{"title": "T", "duration_minutes": 30}'
    )


def test_one_parameter_in_two_spellings_is_refused() -> None:
    """Two values for one parameter are no choice that we would make for the model."""
    with pytest.raises(ArgumentsInvalid):
        validated(CREATE_TASK, '{"title": "T", "durationMinutes": 30, "duration_minutes": 60}')


def test_a_refusal_is_short_and_does_not_echo() -> None:
    """However much is wrong, the refusal stays readable and repeats no value that was sent."""
    raw = json.dumps({f"unknown_{number}": "canary" * 1_000 for number in range(5)} | {"title": 7})
    with pytest.raises(ArgumentsInvalid) as refusal:
        validated(CREATE_TASK, raw)
    assert len(str(refusal.value)) < 1_500
    assert "canary" not in str(refusal.value)


def test_equal_arguments_have_one_text() -> None:
    """The canonical text knows no order of names and no spaces."""
    assert canonical({"b": 1, "a": [1, 2]}) == canonical({"a": [1, 2], "b": 1}) == '{"a":[1,2],"b":1}'


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_every_tool_survives_every_shape_of_nonsense(name: str) -> None:
    """No tool's argument model raises anything but `ArgumentsInvalid`, for any type under any of its names."""
    nonsense: list[object] = [None, True, 0, -1, 2**70, 1.5, "", "x" * 5_000, [], {}, [[]], {"a": 1}, ["\x00"]]
    for field in TOOLS[name].args.model_fields:
        for value in nonsense:
            with suppress(ArgumentsInvalid):
                validated(TOOLS[name], json.dumps({field: value}))
