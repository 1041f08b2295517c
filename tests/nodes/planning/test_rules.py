"""What a plan must be before any step of it runs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from pydantic import JsonValue

from nodes.planning.rules import (
    MAX_DESCRIPTION_CHARS,
    MAX_REPORTED_PROBLEMS,
    PLAN_TOOL,
    CreatePlan,
    DraftStep,
    is_chain,
    plan_schema,
    validate,
    without_executors,
)
from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.events import StepStatus
from nodes.vocabulary.limits import Limits
from tests.nodes.planning.drafts import as_json, circles, draft, graphs, step, waiting
from tools.arguments import arguments_of
from tools.errors import ArgumentsInvalid
from tools.registry import Registry

REGISTRY: Final = Registry.build()
LIMITS: Final = Limits()
ANY_DEPTH: Final = replace(LIMITS, plan_depth=12)
WRITES: Final = REGISTRY.writing()


def codes_of(plan: CreatePlan, completed: Sequence[int] = ()) -> list[str]:
    """Return the codes a draft is refused with."""
    with pytest.raises(PlanInvalid) as refusal:
        validate(plan, REGISTRY, LIMITS, completed)
    assert len(refusal.value.problems) == len(refusal.value.codes)
    return refusal.value.codes


def read_draft(*steps: JsonValue) -> CreatePlan:
    """Return a draft read from the raw text a model wrote."""
    return arguments_of(PLAN_TOOL, CreatePlan, json.dumps({"steps": list(steps)}))


@pytest.mark.parametrize(
    ("plan", "codes"),
    [
        pytest.param(draft(), ["no_steps"], id="no steps"),
        pytest.param(draft(*map(step, range(1, 14))), ["too_many_steps"], id="one step too many"),
        pytest.param(waiting({1: [1]}), ["plan_cycle"], id="a step waits for itself"),
        pytest.param(waiting({1: [2], 2: [1]}), ["plan_cycle"], id="two steps wait for each other"),
        pytest.param(waiting({1: [], 2: [1, 4], 3: [2], 4: [3]}), ["plan_cycle"], id="three steps in a circle"),
        pytest.param(waiting({1: [9]}), ["unknown_dependency"], id="waits for a step that is not there"),
        pytest.param(waiting({1: [8, 9]}), ["unknown_dependency"] * 2, id="each missing step is told"),
        pytest.param(draft(step(1), step(1)), ["duplicate_step"], id="one number twice"),
        pytest.param(draft(step(0)), ["bad_step_number"], id="step zero"),
        pytest.param(draft(step(-1)), ["bad_step_number"], id="a negative number"),
        pytest.param(draft(step(10**40)), ["bad_step_number"], id="a number beyond counting"),
        pytest.param(draft(step(1, description=" \n")), ["no_description"], id="says nothing"),
        pytest.param(draft(step(1, description="x" * 2_001)), ["description_too_long"], id="says too much"),
        pytest.param(draft(step(1, tools=["hack"])), ["unknown_tool"], id="no such tool"),
        pytest.param(draft(step(1, tools=["List_Tasks"])), ["unknown_tool"], id="a tool's name in other letters"),
        pytest.param(draft(step(1, tools=[""])), ["unknown_tool"], id="a tool without a name"),
        pytest.param(waiting({n: [n - 1] if n > 1 else [] for n in range(1, 8)}), ["too_deep"], id="seven in a row"),
        pytest.param(
            draft(step(1, tools=["create_task"]), step(1, description=" ", after=[7])),
            ["duplicate_step", "unknown_dependency", "write_tool_on_executor", "no_description"],
            id="everything at once is told at once",
        ),
    ],
)
def test_a_broken_plan_never_starts(plan: CreatePlan, codes: list[str]) -> None:
    """A plan that breaks rules is refused with each rule's code, before any step runs."""
    assert codes_of(plan) == codes


@pytest.mark.parametrize("tool", WRITES)
def test_an_executor_may_not_write(tool: str) -> None:
    """A write tool on an executor's step is refused; on the planner's own step it stands."""
    assert codes_of(draft(step(1, tools=["list_tasks", tool]))) == ["write_tool_on_executor"]
    assert validate(draft(step(1, tools=[tool], executor=False)), REGISTRY, LIMITS)[0].tools == [tool]


def test_the_refusal_is_bounded() -> None:
    """However much is wrong, the model is told a handful of sentences."""
    refused = draft(*(step(number, tools=[f"tool_{n}" for n in range(50)]) for number in range(1, 13)))
    assert codes_of(refused) == ["unknown_tool"] * MAX_REPORTED_PROBLEMS


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(draft(step(1, after=[10**3_000])), id="a number of 3,000 digits"),
        pytest.param(draft(step(1, tools=["x" * 10_000])), id="a name of 10,000 letters"),
    ],
)
def test_a_sentence_of_the_refusal_is_short(plan: CreatePlan) -> None:
    """What the model wrote is quoted only in part."""
    with pytest.raises(PlanInvalid) as refusal:
        validate(plan, REGISTRY, LIMITS)
    assert all(len(problem) < 200 for problem in refusal.value.problems)


class Untouchable(list[DraftStep]):
    """Steps that may be counted and not looked at."""

    def __iter__(self) -> Iterator[DraftStep]:
        raise AssertionError("a step was looked at")


def test_ten_thousand_steps_are_refused_by_their_number_alone() -> None:
    """No step of a plan that is far too long is looked at."""
    plan = CreatePlan.model_construct(steps=Untouchable([step(1)] * 10_000))
    assert codes_of(plan) == ["too_many_steps"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(as_json("1"), id="text for a number"),
        pytest.param(as_json(1.5), id="half a number"),
        pytest.param({**as_json(1), "stepNumber": True}, id="true for a number"),
        pytest.param(as_json(None), id="null for a number"),
        pytest.param(as_json(1, dependsOn=["1"]), id="text for a dependency"),
        pytest.param(as_json(1, dependsOn=1), id="one dependency without a list"),
        pytest.param(as_json(1, tools="list_tasks"), id="one tool without a list"),
        pytest.param(as_json(1, executorRequired="yes"), id="text for a choice"),
        pytest.param({"stepNumber": 1, "executorRequired": True}, id="no description"),
        pytest.param("look around", id="a sentence"),
        pytest.param(None, id="null"),
    ],
)
def test_a_step_of_the_wrong_shape_is_no_draft(wrong: JsonValue) -> None:
    """Numbers are numbers and lists are lists: nothing is guessed."""
    with pytest.raises(ArgumentsInvalid):
        read_draft(wrong)


def test_what_a_model_adds_of_its_own_is_ignored() -> None:
    """A step with fields nobody asked for is read without them, and null counts as not given."""
    plan = read_draft(as_json(1, status="completed", result="none", tools=None, dependsOn=None))
    (sound,) = validate(plan, REGISTRY, LIMITS)
    assert (sound.status, sound.result, sound.type, sound.depends_on) == (StepStatus.PENDING, None, "step", [])


def test_snake_case_is_understood() -> None:
    """A model that writes `step_number` for `stepNumber` is understood."""
    plan = read_draft({"step_number": 1, "description": "Look.", "executor_required": False, "depends_on": []})
    assert not validate(plan, REGISTRY, LIMITS)[0].executor_required


def test_a_sound_step_is_stored_tidied() -> None:
    """Tools and dependencies stand once, words are trimmed, an executor without tools holds all that read."""
    tidied = step(2, after=[1, 1], tools=["list_tasks", "list_tasks"], description="  Look. ")
    bare, given_twice = validate(draft(tidied, step(1)), REGISTRY, LIMITS)
    assert (bare.step_number, bare.tools) == (1, REGISTRY.reading())
    assert (given_twice.tools, given_twice.depends_on, given_twice.description) == (["list_tasks"], [1], "Look.")
    assert validate(draft(step(1, executor=False)), REGISTRY, LIMITS)[0].tools == []


def test_the_longest_sound_plan_passes() -> None:
    """Twelve steps, six in a row, with the longest words, are a plan."""
    row = {number: [number - 1] if number in range(2, 7) else [] for number in range(1, 13)}
    assert len(validate(waiting(row), REGISTRY, LIMITS)) == 12
    assert validate(draft(step(1, description="x" * MAX_DESCRIPTION_CHARS)), REGISTRY, LIMITS)


# Revised plans


def test_a_revision_may_wait_for_what_is_completed() -> None:
    """New steps may depend on completed steps of the plan before."""
    (sound,) = validate(draft(step(5, after=[1, 3])), REGISTRY, LIMITS, completed=[1, 3])
    assert sound.depends_on == [1, 3]


@pytest.mark.parametrize(
    ("plan", "codes"),
    [
        pytest.param(draft(step(1)), ["duplicate_step"], id="takes the number of a completed step"),
        pytest.param(draft(step(5, after=[2])), ["unknown_dependency"], id="waits for a step that did not complete"),
        pytest.param(draft(step(5, after=[1, 5])), ["plan_cycle"], id="a circle beside a completed step"),
    ],
)
def test_a_broken_revision_is_refused(plan: CreatePlan, codes: list[str]) -> None:
    """A revision may not overwrite what is done nor build on what is not."""
    assert codes_of(plan, completed=[1, 3]) == codes


# Chains


@pytest.mark.parametrize(
    ("plan", "chain"),
    [
        pytest.param(waiting({1: []}), True, id="one executor"),
        pytest.param(waiting({1: [], 2: [1], 3: [2]}), True, id="one after the other"),
        pytest.param(waiting({1: [], 2: [1], 3: [1, 2]}), True, id="with a shortcut"),
        pytest.param(waiting({1: [], 2: []}), False, id="two at once"),
        pytest.param(waiting({1: [], 2: [1], 3: [1]}), False, id="a fork"),
        pytest.param(waiting({1: [], 2: [], 3: [1, 2]}), False, id="a join"),
        pytest.param(draft(step(1, executor=False), step(2, executor=False)), True, id="no executors"),
        pytest.param(
            draft(step(1), step(2, executor=False, after=[1]), step(3, after=[2])), True, id="through a planner's step"
        ),
        pytest.param(draft(step(1), step(2, executor=False)), True, id="one executor beside the planner"),
    ],
)
def test_executors_that_never_meet_are_a_chain(plan: CreatePlan, chain: bool) -> None:  # noqa: FBT001 - the table's
    """A plan whose executors could never run side by side is known as one."""
    assert is_chain(validate(plan, REGISTRY, LIMITS)) is chain


def test_a_revision_is_a_chain_by_its_own_steps() -> None:
    """What is completed takes no part: two new steps behind one completed step run at once."""
    both = validate(draft(step(5, after=[1]), step(6, after=[1])), REGISTRY, LIMITS, completed=[1])
    assert not is_chain(both)


def test_a_chain_is_done_by_the_planner() -> None:
    """Without executors every step is the planner's own, and nothing else about it changes."""
    steps = validate(waiting({1: [], 2: [1]}), REGISTRY, LIMITS)
    own = without_executors(steps)
    assert not any(each.executor_required for each in own)
    assert [each.model_copy(update={"executor_required": True}) for each in own] == steps


# Properties


@given(graphs())
def test_any_sound_graph_passes_as_it_is(waits_for: dict[int, list[int]]) -> None:
    """Whatever has no cycle passes, in the order of its numbers, with its dependencies."""
    steps = validate(waiting(waits_for), REGISTRY, ANY_DEPTH)
    assert [each.step_number for each in steps] == sorted(waits_for)
    assert {each.step_number: each.depends_on for each in steps} == waits_for


@given(circles())
def test_any_circle_is_refused(waits_for: dict[int, list[int]]) -> None:
    """Whatever has a cycle somewhere is refused with that one code."""
    with pytest.raises(PlanInvalid) as refusal:
        validate(waiting(waits_for), REGISTRY, ANY_DEPTH)
    assert refusal.value.codes == ["plan_cycle"]


def test_models_are_shown_the_plan_as_it_is_documented() -> None:
    """The schema names the fields as the events do, and says which are needed."""
    shown = json.dumps(plan_schema())
    assert all(f'"{name}"' in shown for name in ("stepNumber", "executorRequired", "dependsOn", "create_plan"))
    assert "step_number" not in shown
