"""Drafts of plans for tests, as a model would write them."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st
from pydantic import JsonValue

from nodes.planning.rules import CreatePlan, DraftStep


def step(
    number: int,
    *,
    after: Sequence[int] = (),
    tools: Sequence[str] = (),
    executor: bool = True,
    description: str = "Look.",
) -> DraftStep:
    """Give one drafted step."""
    return DraftStep(
        stepNumber=number,
        description=description,
        executorRequired=executor,
        tools=list(tools),
        dependsOn=list(after),
    )


def draft(*steps: DraftStep) -> CreatePlan:
    """Give a draft of these steps."""
    return CreatePlan(steps=list(steps))


def waiting(waits_for: Mapping[int, Sequence[int]]) -> CreatePlan:
    """Give a draft of executor steps that wait for each other as told."""
    return draft(*(step(number, after=after) for number, after in waits_for.items()))


def as_json(number: JsonValue, **more: JsonValue) -> dict[str, JsonValue]:
    """Give one step as raw JSON, broken as the test likes it."""
    return {"stepNumber": number, "description": "Look.", "executorRequired": True, **more}


@st.composite
def graphs(draw: st.DrawFn, max_steps: int = 12) -> dict[int, list[int]]:
    """Give steps, numbered in any order, with the steps each waits for, without a cycle."""
    count = draw(st.integers(1, max_steps))
    numbers = draw(st.permutations(range(1, count + 1)))
    return {
        number: sorted(draw(st.sets(st.sampled_from(numbers[:place]), max_size=4))) if place else []
        for place, number in enumerate(numbers)
    }


@st.composite
def circles(draw: st.DrawFn) -> dict[int, list[int]]:
    """Give the same with one circle of dependencies in it."""
    waits_for = draw(graphs())
    ring = draw(st.lists(st.sampled_from(sorted(waits_for)), min_size=1, unique=True))
    for place, number in enumerate(ring):
        waits_for[number] = sorted({*waits_for[number], ring[place - 1]})
    return waits_for
