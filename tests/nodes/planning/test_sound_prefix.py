"""Of a plan that is being written, only that starts which the finished plan starts too, and as it stands there."""

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from nodes.planning.rules import is_chain, validate
from nodes.planning.sound_prefix import SoundPrefix
from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.events import Step
from nodes.vocabulary.limits import Limits
from tests.nodes.planning.drafts import as_json, draft, graphs, step
from tools.registry import Registry

REGISTRY = Registry.build()
LIMITS = Limits()


def started(steps: Sequence[JsonValue], piece_chars: int = 7) -> list[Step]:
    """Return what may start while these steps are written."""
    text = json.dumps({"reasoning": "r", "steps": list(steps)})
    prefix = SoundPrefix(REGISTRY, LIMITS)
    pieces = [text[at : at + piece_chars] for at in range(0, len(text), piece_chars)]
    return [step for piece in pieces for step in prefix.take(piece)]


def numbers(steps: Sequence[Step]) -> list[int]:
    """Return the numbers of steps."""
    return [step.step_number for step in steps]


@given(waits_for=graphs(), own=st.sets(st.integers(1, 12)), piece_chars=st.integers(1, 200))
def test_what_starts_early_is_what_the_plan_says(
    waits_for: Mapping[int, Sequence[int]], own: set[int], piece_chars: int
) -> None:
    """Every early step is an executor's of the finished plan, behind all it waits for; a chain has none."""
    drafts = [step(number, after=after, executor=number not in own) for number, after in waits_for.items()]
    early = started([each.model_dump(by_alias=True) for each in drafts], piece_chars)
    try:
        whole = {each.step_number: each for each in validate(draft(*drafts), REGISTRY, LIMITS)}
    except PlanInvalid:
        return
    assert [whole[number] for number in numbers(early)] == early
    assert len(set(numbers(early))) == len(early)
    for place, each in enumerate(early):
        assert each.executor_required
        assert set(each.depends_on) <= set(numbers(early)[:place])
    if is_chain(list(whole.values())):
        assert early == []


@pytest.mark.parametrize(
    ("steps", "early"),
    [
        pytest.param([as_json(1)], [], id="a single step is a chain so far"),
        pytest.param([as_json(1), as_json(2)], [1, 2], id="two that can run at once"),
        pytest.param([as_json(1), as_json(2, dependsOn=[1])], [], id="two in a row"),
        pytest.param([as_json(1), as_json(2, dependsOn=[1]), as_json(3)], [1, 2, 3], id="the third shows it"),
        pytest.param([as_json(2, dependsOn=[1]), as_json(1), as_json(3)], [1, 2, 3], id="written in another order"),
        pytest.param([as_json(1), as_json(2, executorRequired=False)], [], id="one of them the planner's"),
        pytest.param(
            [as_json(1, executorRequired=False), as_json(2), as_json(3), as_json(4, dependsOn=[1])],
            [2, 3],
            id="behind a step of the planner's",
        ),
        pytest.param([as_json(1), as_json(2), as_json(2)], [1, 2], id="what comes later is for the whole plan"),
        pytest.param([as_json(1), as_json("two"), as_json(3)], [], id="a step that is none"),
        pytest.param([as_json(1), as_json(1), as_json(3)], [], id="a number twice"),
        pytest.param([as_json(1), as_json(2, tools=["create_task"]), as_json(3)], [], id="a write for an executor"),
        pytest.param([as_json(1), as_json(2, dependsOn=[9]), as_json(3)], [], id="waits for what is not there"),
        pytest.param([as_json(number) for number in range(1, 20)], list(range(1, 13)), id="no more than a plan has"),
    ],
)
def test_a_step_starts_as_soon_as_nothing_can_speak_against_it(steps: list[JsonValue], early: list[int]) -> None:
    """The rules of the finished plan hold for its beginning, as far as that can break them."""
    assert numbers(started(steps)) == early
