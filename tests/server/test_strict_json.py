"""JSON that is read more strictly than Python reads it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from server.refusals import Refused
from server.strict_json import read_json

anything_in_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "body_required", id="nothing"),
        pytest.param(b'{"message":"a', "invalid_json", id="cut off"),
        pytest.param(b"\xff\xfe{}", "invalid_json", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", "invalid_json", id="a byte order mark"),
        pytest.param(b"{}{}", "invalid_json", id="two values"),
        pytest.param(b'{"a":1,"a":2}', "duplicate_key", id="a key twice"),
        pytest.param(b'[{"a":[{"b":1,"b":1}]}]', "duplicate_key", id="a key twice, deep inside"),
        pytest.param(b"[NaN]", "not_finite", id="NaN"),
        pytest.param(b"[-Infinity]", "not_finite", id="minus infinity"),
        pytest.param(b"[1e999]", "not_finite", id="a float that overflows"),
        pytest.param(b"[1e5000]", "number_out_of_range", id="a number that jsonb keeps and nobody reads"),
        pytest.param(b"[" + b"9" * 5000 + b"]", "number_out_of_range", id="an integer of 5,000 digits"),
        pytest.param(b'["\\u0000"]', "illegal_character", id="NUL"),
        pytest.param(b'["\\ud800"]', "illegal_character", id="a lone surrogate"),
        pytest.param(b'{"\\ud800":1}', "illegal_character", id="a lone surrogate as a key"),
        pytest.param(b"[" * 33 + b"]" * 33, "json_too_deep", id="33 levels"),
        pytest.param(b'{"a":' * 900 + b"1" + b"}" * 900, "json_too_deep", id="900 levels"),
        pytest.param(b"[" + b"0," * 10_000 + b"0]", "json_too_large", id="10,002 values"),
        pytest.param(b"[" * 100_000, "json_too_deep", id="100,000 levels that never close"),
    ],
)
def test_a_body_that_would_do_harm_later_is_refused(body: bytes, code: str) -> None:
    """Each kind of bad JSON is refused with a code of its own, before anything is made of it."""
    with pytest.raises(Refused) as refusal:
        read_json(body)
    assert refusal.value.code == code


def test_32_levels_are_accepted() -> None:
    """The limit is 32 levels of nesting, inclusive."""
    value: JsonValue = read_json(b"[" * 32 + b"1" + b"]" * 32)
    assert str(value).count("[") == 32


@given(anything_in_json)
def test_what_is_harmless_is_read_as_it_is(value: JsonValue) -> None:
    """JSON within the limits comes out as Python's own reader gives it."""
    assert read_json(json.dumps(value).encode()) == value


@given(
    st.binary(max_size=400)
    | st.lists(
        st.sampled_from(["{", "}", "[", "]", ",", ":", '"a"', '"\\ud800"', "1", "-0", "1e9", "2.5", "true", " "])
    ).map(lambda tokens: "".join(tokens).encode())
)
def test_whatever_is_read_is_what_python_reads(body: bytes) -> None:
    """Any bytes are either refused or read exactly as Python's own reader reads them."""
    with suppress(Refused):
        assert read_json(body) == json.loads(body)
