"""Steps are given out while their plan is still being written: each once, whole, and none that is not there."""

import json
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.planning.step_reader import MAX_VALUE_CHARS, StepReader

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
STEPS = st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=4), max_size=6)
BEFORE = st.dictionaries(st.text(max_size=8).filter(lambda key: key != "steps"), VALUES, max_size=3)
LAYOUTS = st.sampled_from(
    [{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}, {"indent": 3, "ensure_ascii": False}]
)


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    """Return the text cut at these places."""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


def read(pieces: list[str]) -> list[Any]:
    """Return the steps that come when the pieces are fed one after the other."""
    reader = StepReader()
    return [json.loads(step) for piece in pieces for step in reader.feed(piece)]


@given(before=BEFORE, steps=STEPS, after=BEFORE, layout=LAYOUTS, cuts=st.lists(st.integers(min_value=0), max_size=40))
def test_any_split_gives_the_same_steps(
    before: dict[str, Any], steps: list[Any], after: dict[str, Any], layout: dict[str, Any], cuts: list[int]
) -> None:
    """Whatever stands around the steps and however the text is cut, they are those of the whole text."""
    text = json.dumps({**before, "steps": steps, **after}, **layout)
    assert read(pieces_of(text, cuts)) == json.loads(text)["steps"]


@given(before=BEFORE, steps=STEPS, layout=LAYOUTS)
def test_a_step_comes_with_its_last_character(before: dict[str, Any], steps: list[Any], layout: dict[str, Any]) -> None:
    """Fed a character at a time, a step comes when its own brace closes: not before, and not later."""
    text = json.dumps({**before, "steps": steps}, **layout)
    reader = StepReader()
    came = [(place, step) for place, character in enumerate(text) for step in reader.feed(character)]
    for place, step in came:
        assert text[: place + 1].endswith(step)
    assert [json.loads(step) for _, step in came] == steps


@given(text=st.text(alphabet='{}[]",:\\ \nstepu0d1n', max_size=60), cuts=st.lists(st.integers(min_value=0)))
def test_of_anything_else_come_only_steps_that_stand_in_it(text: str, cuts: list[int]) -> None:
    """A text of brackets and quotes never raises; what comes is an object that stands in it, in order."""
    at = 0
    reader = StepReader()
    for step in [step for piece in pieces_of(text, cuts) for step in reader.feed(piece)]:
        assert isinstance(json.loads(step), dict)
        at = text.index(step, at) + len(step)


@given(steps=STEPS, cut=st.integers(min_value=0))
def test_of_a_plan_that_breaks_off_come_its_whole_steps(steps: list[Any], cut: int) -> None:
    """A half step is no step, whatever a lenient reading would make of it."""
    text = json.dumps({"steps": steps})
    assert steps[: len(came := read([text[: cut % (len(text) + 1)]]))] == came


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[{"steps": [{"a": 1}]}]', id="a list"),
        pytest.param('"{\\"steps\\": [{}]}"', id="text in text"),
        pytest.param('{"plan": {"steps": [{"a": 1}]}}', id="deeper than it should be"),
        pytest.param('{"goal": "steps\\": [{", "x": 1}', id="in a string"),
        pytest.param('{"steps": {"0": {"a": 1}}}', id="an object in place of the list"),
        pytest.param('{"steps": "[{}]"}', id="the list as text"),
        pytest.param('{"steps": ["a", {"a": 1}]}', id="a step that is none, and what follows it"),
        pytest.param('{"steps": [[{"a": 1}]]}', id="a list in the list"),
        pytest.param('{"steps" [{"a": 1}]}', id="no colon"),
        pytest.param('{steps: [{"a": 1}]}', id="no quotes"),
        pytest.param('{1: 2, "steps": [{"a": 1}]}', id="a key that is none"),
        pytest.param('{"a": 1e, "steps": [{"a": 1}]}', id="no number"),
        pytest.param("", id="nothing"),
        pytest.param("}" * 50, id="only ends"),
    ],
)
def test_what_is_no_plan_has_no_steps(text: str) -> None:
    """Nothing is guessed."""
    assert read([text]) == []
    assert read(list(text)) == []


@pytest.mark.parametrize(
    "piece", ["{", "[", '"', "}", "]", '{"', '{"a":', " ", "1", "\\", '{"steps":[', '{"steps":[{}']
)
def test_an_endless_text_is_not_kept(piece: str) -> None:
    """However long one value grows, it is held no longer than it could be a step."""
    reader = StepReader()
    tracemalloc.start()
    try:
        for _ in range(4 * MAX_VALUE_CHARS):
            reader.feed(piece)
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 2 * MAX_VALUE_CHARS
