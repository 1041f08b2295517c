"""What a model can hand in as a plan, and what its executors can come to: the catalogue's table “Plans”."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from time import process_time
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from nodes.planning.drafts import outline_of
from nodes.planning.rules import MAX_REPORTED_PROBLEMS, PLAN_TOOL, CreatePlan, validate
from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.events import Step
from nodes.vocabulary.limits import Limits
from persistence.text import is_storable
from tests.hostile.house import BRISK, House, Tally
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Reply, call, status, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import rules, when
from tests.turns import plan, step, submit
from tools.arguments import arguments_of
from tools.errors import ArgumentsInvalid
from tools.registry import Registry

REGISTRY: Final = Registry.build()
LIMITS: Final = Limits()
READS: Final = frozenset(REGISTRY.reading())
FEW_SECONDS: Final = 1.0  # of processor time, for what takes a hundredth of it
GREEK: Final = "Βρες τις εργασίες που έχουν καθυστερήσει"


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Give the count of this table, and print it when the table is done."""
    counting = Tally("plans")
    yield counting
    print(f"\n{counting.line}")


def drafted(raw: str) -> list[Step]:
    """Return the steps of a draft, as a run reads it.

    Raises:
        PlanInvalid: with the code of every broken rule.
    """
    try:
        return validate(arguments_of(PLAN_TOOL, CreatePlan, raw), REGISTRY, LIMITS)
    except ArgumentsInvalid as error:
        raise PlanInvalid([(error.code, str(error))]) from error


def codes_of(*steps: JsonValue, **fields: JsonValue) -> list[str]:
    """Return the codes by which a plan of these steps is refused, none for a sound one."""
    try:
        drafted(json.dumps({"goal": "Order.", "steps": list(steps), **fields}))
    except PlanInvalid as refusal:
        return refusal.codes
    return []


def a_step(number: JsonValue, **fields: JsonValue) -> dict[str, JsonValue]:
    """Return a step as a model writes it."""
    return {"stepNumber": number, "description": "Look.", "executorRequired": True, **fields}


def many(steps: int) -> list[JsonValue]:
    """Return so many steps."""
    return [a_step(number) for number in range(1, steps + 1)]


@pytest.mark.parametrize(
    ("steps", "codes"),
    [
        pytest.param([], ["no_steps"], id="no steps"),
        pytest.param(many(1), [], id="one step"),
        pytest.param(many(12), [], id="twelve steps"),
        pytest.param(many(20), ["too_many_steps"], id="20 steps"),
        pytest.param(many(21), ["too_many_steps"], id="21 steps"),
        pytest.param([a_step(1, dependsOn=[9])], ["unknown_dependency"], id="waits for a step that is not there"),
        pytest.param([a_step(1, dependsOn=[2]), a_step(2)], [], id="waits for a later step"),
        pytest.param([a_step(1, dependsOn=[1])], ["plan_cycle"], id="waits for itself"),
        pytest.param([a_step(1, dependsOn=["1"])], ["invalid_arguments"], id="waits for itself, as text"),
        pytest.param([a_step(1, dependsOn=[1.0])], ["invalid_arguments"], id="waits for itself, as a fraction"),
        pytest.param([a_step(1, dependsOn=["step 1"])], ["invalid_arguments"], id="waits for itself, in words"),
        pytest.param([a_step(1, dependsOn=[True])], ["invalid_arguments"], id="waits for itself, as true"),
        pytest.param([a_step(1, depends_on=[1])], ["plan_cycle"], id="waits for itself, in snake case"),
        pytest.param([a_step(1, dependsOn=[[1]])], ["invalid_arguments"], id="waits for a list"),
        pytest.param([a_step(1, dependsOn=[0, -1])], ["unknown_dependency"] * 2, id="waits for nought"),
        pytest.param([a_step(1), a_step(1)], ["duplicate_step"], id="one number twice"),
        pytest.param([a_step("1"), a_step(1)], ["invalid_arguments"], id="a number and its text"),
        pytest.param([a_step(""), a_step(" ")], ["invalid_arguments"], id="empty ids"),
        pytest.param([a_step("\x00")], ["invalid_arguments"], id="NUL for an id"),
        pytest.param([a_step("x" * 10_000)], ["invalid_arguments"], id="an id of 10 KB"),
        pytest.param([a_step(10**1_000)], ["bad_step_number"], id="a number of 1,000 digits"),
        pytest.param([{**a_step(1), "step_number": 2}, a_step(2)], [], id="two numbers for one step"),
        pytest.param([a_step(1, description="")], ["no_description"], id="no goal"),
        pytest.param([a_step(1, description="\u200b")], ["no_description"], id="an invisible goal"),
        pytest.param([a_step(1, description=None)], ["invalid_arguments"], id="null for a goal"),
        pytest.param([a_step(1, description="x" * 20_000)], ["description_too_long"], id="a goal of 20 KB"),
        pytest.param([a_step(1, description="x" * 100_000)], ["invalid_arguments"], id="a goal of 100 KB"),
        pytest.param([a_step(1, description=GREEK)], [], id="a goal in another script"),
        pytest.param([a_step(1, type="x" * 10_000, owner="me", status="completed")], [], id="fields of its own"),
    ],
)
def test_a_plan_is_sound_or_refused_with_its_codes(steps: list[JsonValue], codes: list[str]) -> None:
    """Nothing is guessed, merged or dropped: a draft is a plan as it stands, or every broken rule is named."""
    assert codes_of(*steps) == codes


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(json.dumps({"steps": many(10_000)}), id="10,000 steps"),
        pytest.param('{"steps":[' + "{}," * 9_000 + "{}]}", id="as many as fit, empty"),
        pytest.param(json.dumps({"steps": [a_step(1, dependsOn=list(range(6_000)))]}), id="waits for 6,000 steps"),
        pytest.param(json.dumps({"steps": [a_step(1, tools=list[JsonValue](["x"] * 6_000))]}), id="6,000 tools"),
        pytest.param('{"steps":' + "[" * 30_000, id="nested without end"),
    ],
)
def test_a_plan_without_end_is_refused_at_once(raw: str) -> None:
    """The size of a draft costs nothing: it is refused in a hundredth of a second, in a few sentences."""
    began = process_time()
    with pytest.raises(PlanInvalid) as refusal:
        drafted(raw)
    outline_of(raw)
    assert process_time() - began < FEW_SECONDS
    assert len(refusal.value.problems) <= MAX_REPORTED_PROBLEMS
    assert sum(map(len, refusal.value.problems)) < 4_000


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=6,
)
NUMBERS: Final = st.integers(-1, 14)
STEPS: Final = st.fixed_dictionaries(
    {
        "stepNumber": NUMBERS | JSON,
        "description": st.text(max_size=30) | JSON,
        "executorRequired": st.booleans() | JSON,
    },
    optional={
        "tools": st.lists(st.sampled_from(REGISTRY.names()) | st.text(max_size=8), max_size=3) | JSON,
        "dependsOn": st.lists(NUMBERS, max_size=3) | JSON,
        "type": JSON,
        "status": JSON,
        "role": JSON,
    },
)


@given(st.fixed_dictionaries({"steps": st.lists(STEPS | JSON, max_size=14) | JSON}, optional={"goal": JSON}) | JSON)
def test_any_json_is_a_sound_plan_or_refused_with_codes(value: JsonValue) -> None:
    """Whatever is handed in, the outcome is steps that keep every rule, or `PlanInvalid` with a sentence a code."""
    raw = json.dumps(value)
    refusal, steps = None, list[Step]()
    try:
        steps = drafted(raw)
    except PlanInvalid as refused:
        refusal = refused
    if refusal is not None:
        assert 0 < len(refusal.codes) == len(refusal.problems) <= MAX_REPORTED_PROBLEMS
        assert all(refusal.codes)
        assert all(is_storable(problem) for problem in refusal.problems)
        return
    numbers = [each.step_number for each in steps]
    assert 0 < len(set(numbers)) == len(numbers) <= LIMITS.plan_steps
    assert all(set(each.depends_on) <= set(numbers) - {each.step_number} for each in steps)
    assert all(set(each.tools) <= READS for each in steps if each.executor_required)
    assert all(is_storable(each.description) for each in steps)


@given(st.text() | st.lists(st.sampled_from(['{"steps":', "[", "{", '"stepNumber":', "1", ",", "}", "]"])).map("".join))
def test_no_text_does_anything_else(raw: str) -> None:
    """Text that is no JSON is refused too."""
    with suppress(PlanInvalid):
        assert drafted(raw)


# Through the whole program

NO_OTHER_WAY: Final = when(text("no other way"), says="Some steps of the plan")
SOUND: Final = when(submit("Two tasks found."), offers="submit_result")
ANSWER: Final = when(text("Here is what I know."))


def planning(*steps: int) -> Reply:
    """Return the reply that hands in a plan of executor steps."""
    return plan(*map(step, steps))


ENDLESS: Final = tools(call(PLAN_TOOL, {"steps": many(10_000)}, piece_chars=4_000))


@pytest.mark.parametrize(
    ("drafts", "executors"),
    [
        pytest.param([plan()], 0, id="no steps"),
        pytest.param([planning(1)], 0, id="one step"),
        pytest.param([planning(*range(1, 13))], 12, id="twelve steps"),
        pytest.param([planning(*range(1, 22))], 0, id="21 steps"),
        pytest.param([planning(*range(1, 22)), planning(1, 2)], 2, id="21 steps, then two"),
        pytest.param([ENDLESS, planning(1, 2)], 2, id="10,000 steps, then two"),
        pytest.param([tools(call(PLAN_TOOL, {"steps": "three"}))], 0, id="steps in words"),
        pytest.param([plan(step(1, after=[2]), step(2, after=[1]))], 0, id="a circle"),
    ],
)
async def test_a_plan_is_run_or_done_without(
    house: House, tally: Tally, drafts: Sequence[Reply], executors: int
) -> None:
    """A draft that breaks rules is mended once; else no executor starts, and the request is answered all the same."""
    script = rules(SOUND, when(*drafts, offers=PLAN_TOOL, last_role="user"), ANSWER)
    played = await house.play(script)
    tally.count(played)
    assert (played.code, len(played.all("executor_spawned"))) == ("stop", executors)
    assert "Here is what I know." in played.text


WORST: Final[Mapping[str, tuple[Reply, int, str]]] = {
    "fails": (submit("It is not there.", "failed"), 1, "It is not there."),
    "is refused by its model": (status(400), 1, "The model provider refused this request."),
    "hangs": (text("late").stall_after(0), 1, "It took longer than"),
    "goes in circles": (tools(call("list_tasks", {})), 1, "the same thing again and again"),
    "never hands in": (tools(call("no_such_tool", {})), 1, "the same thing again and again"),
    "hands in what is none": (tools(call("submit_result", "[]")), 1, "the same thing again and again"),
}


@pytest.mark.parametrize("everyone", [pytest.param(False, id="one of four"), pytest.param(True, id="all four")])
@pytest.mark.parametrize("worst", [pytest.param(worst, id=name) for name, worst in WORST.items()])
async def test_an_executor_that_fails_is_named(
    house: House, tally: Tally, worst: tuple[Reply, int, str], *, everyone: bool
) -> None:
    """The answer is asked for with each failed step and its reason; a failed plan is never called completed."""
    reply, _, reason = worst
    told: list[str] = []

    def answer(request: ChatRequest) -> Reply:
        told.append(request.last_text)
        return text("Part of it could not be done.")

    failing = when(reply, offers="submit_result", mentions=None if everyone else "Do part 2.")
    script = rules(failing, SOUND, NO_OTHER_WAY, when(planning(1, 2, 3, 4), offers=PLAN_TOOL))

    def asked(request: ChatRequest) -> Reply:
        return script(request) if request.offered or "Some steps" in request.last_text else answer(request)

    played = await house.play(asked, limits=replace(BRISK, step_seconds=2.0, executor_turns=3))
    tally.count(played)
    ended = [event["step"] for event in played.all("step_complete")]
    statuses = [each["status"] for each in ended if isinstance(each, dict)]
    assert (statuses.count("failed"), statuses.count("completed")) == ((4, 0) if everyone else (1, 3))
    assert played.text == "Part of it could not be done."
    assert told[-1].count(reason) == (4 if everyone else 1)


async def test_what_waits_for_a_failed_step_is_skipped_and_told(house: House, tally: Tally) -> None:
    """A step never runs on a result that there is not, and the answer is told of both."""
    script = rules(
        when(submit("It is not there.", "failed"), offers="submit_result", mentions="Do part 1."),
        SOUND, NO_OTHER_WAY,
        when(plan(step(1), step(2), step(3, after=[1]), step(4, after=[3])), offers=PLAN_TOOL), ANSWER,
    )  # fmt: skip
    played = await house.play(script)
    tally.count(played)
    ended = [event["step"] for event in played.all("step_complete")]
    assert {each["stepNumber"]: each["status"] for each in ended if isinstance(each, dict)} == {
        1: "failed", 2: "completed", 3: "skipped", 4: "skipped"
    }  # fmt: skip


async def test_another_way_may_not_write_by_an_executor(house: House, tally: Tally) -> None:
    """A revised plan is held to the same rules: its executors read, and its numbers are new."""
    script = rules(
        when(submit("It is not there.", "failed"), offers="submit_result", mentions="Do part 1."), SOUND,
        when(plan(step(3, tool="create_task"), step(4, tool="create_task")), says="Some steps of the plan"),
        when(planning(1, 2), offers=PLAN_TOOL), ANSWER,
    )  # fmt: skip
    played = await house.play(script)
    tally.count(played)
    assert (played.code, len(played.all("plan_created")), played.all("tool_call")) == ("stop", 1, [])


async def test_no_more_executors_are_at_work_than_may(house: House, tally: Tally) -> None:
    """Of eight steps that wait for nothing, four are at work at a time, and each is announced before it ends."""
    answer = rules(SOUND, when(planning(*range(1, 9)), offers=PLAN_TOOL), ANSWER)
    gate, executors = Gate(), count(1)

    def script(request: ChatRequest) -> Reply:
        """Let the first executors wait until there are four of them."""
        if "submit_result" not in request.offered:
            return answer(request)
        if next(executors) == 4:
            gate.open()
        return answer(request).gated(gate)

    played = await house.play(script, limits=replace(BRISK, plan_width=4))
    tally.count(played)
    live: set[JsonValue] = set()
    most = 0
    for event in played.stream.events:
        if event["type"] == "executor_spawned":
            live.add(event["stepNumber"])
            most = max(most, len(live))
        if event["type"] == "executor_result":
            live.remove(event["stepNumber"])
    assert (most, live, len(played.all("step_complete"))) == (4, set(), 8)
