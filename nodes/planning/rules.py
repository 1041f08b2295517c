"""What a plan must be before any step of it runs.

A draft is what the model wrote. Each rule has a code; the model is told every
broken rule at once, so that it can mend the plan in one turn.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.events import Step
from nodes.vocabulary.limits import Limits
from persistence.text import says_nothing, shortened
from tools.registry import Registry
from tools.tool import Access, Args, function_schema

PLAN_TOOL: Final = "create_plan"
MAX_DESCRIPTION_CHARS: Final = 2_000
MAX_TYPE_CHARS: Final = 40
MAX_STEP_NUMBER: Final = 1_000  # room for revisions; a larger one is no counting
MAX_TOLD_DIGITS: Final = 20
MAX_REPORTED_PROBLEMS: Final = 8


def _none_as_empty(value: object) -> object:
    return [] if value is None else value


Names = Annotated[list[str], BeforeValidator(_none_as_empty)]  # models write null for "none"
Numbers = Annotated[list[int], BeforeValidator(_none_as_empty)]


class DraftStep(Args):
    """One step as the model drafted it; what it adds of its own is ignored."""

    model_config = ConfigDict(extra="ignore")

    step_number: int = Field(alias="stepNumber", description="1, 2, 3 …; each number once.")
    type: str = Field(default="step", description="One word: gather, analyse, write …")
    description: str = Field(description="What to do, complete in itself: an executor sees nothing else.")
    executor_required: bool = Field(
        alias="executorRequired", description="True: a read-only executor does it. False: you do it, with write tools."
    )
    tools: Names = Field(default_factory=list[str], description="The tools this step may call.")
    depends_on: Numbers = Field(
        default_factory=list[int], alias="dependsOn", description="Steps whose results this one needs."
    )


class CreatePlan(Args):
    """Write a plan for a request that needs several things read or changed.

    Executor steps only read and run side by side as soon as the steps they depend on are done. Steps that write
    are yours: executorRequired false. Give each step only the tools it needs. Write the steps that wait for nothing
    first: they start while you write the others.
    """

    model_config = ConfigDict(extra="ignore")

    reasoning: str = Field(default="", description="Why a plan, in one sentence.")
    goal: str = Field(default="", description="What the person wants in the end.")
    steps: list[DraftStep] = Field(description="The steps.")


Problem = tuple[str, str]


def plan_schema() -> dict[str, JsonValue]:
    """Return the tool by which a planner hands in a plan, as models are shown it."""
    return function_schema(PLAN_TOOL, CreatePlan, camel_case=True)


def validate(draft: CreatePlan, registry: Registry, limits: Limits, completed: Sequence[int] = ()) -> list[Step]:
    """Return the steps of a sound draft, in the order of their numbers.

    `completed` are steps of the plan before, which a revised plan may depend on
    and whose numbers it may not use again.

    Raises:
        PlanInvalid: with the code and the sentence of every broken rule.
    """
    if problem := _wrong_size(draft, limits):
        raise PlanInvalid([problem])
    problems = [*_number_problems(draft, completed), *_step_problems(draft, registry)]
    waits_for = {step.step_number: step.depends_on for step in draft.steps}
    if not problems:
        problems = list(_shape_problems(waits_for, limits))
    if problems:
        raise PlanInvalid(problems[:MAX_REPORTED_PROBLEMS])
    return [_step(step, registry) for step in sorted(draft.steps, key=lambda step: step.step_number)]


def is_chain(steps: Sequence[Step]) -> bool:
    """Say whether no two executor steps could ever run at the same time."""
    reach = _reachable({step.step_number: step.depends_on for step in steps})
    readers = [step.step_number for step in steps if step.executor_required]
    return not any(
        one not in reach[other] and other not in reach[one]
        for place, one in enumerate(readers)
        for other in readers[place + 1 :]
    )


def without_executors(steps: Sequence[Step]) -> list[Step]:
    """Return the same steps as the planner's own."""
    return [step.model_copy(update={"executor_required": False}) for step in steps]


def _wrong_size(draft: CreatePlan, limits: Limits) -> Problem | None:
    if not draft.steps:
        return "no_steps", "The plan has no steps."
    if len(draft.steps) > limits.plan_steps:
        return "too_many_steps", f"The plan has {len(draft.steps)} steps; at most {limits.plan_steps} are allowed."
    return None


def _number_problems(draft: CreatePlan, completed: Sequence[int]) -> Iterator[Problem]:
    numbers = [step.step_number for step in draft.steps]
    for number in sorted({number for number in numbers if numbers.count(number) > 1 or number in completed}):
        yield "duplicate_step", f"The number {_told(number)} stands for two steps."
    for number in sorted({number for number in numbers if not 1 <= number <= MAX_STEP_NUMBER}):
        yield "bad_step_number", f"{_told(number)} is no step number; count 1, 2, 3 …."
    for step in draft.steps:
        for number in step.depends_on:
            if number not in numbers and number not in completed:
                yield (
                    "unknown_dependency",
                    f"Step {_told(step.step_number)} waits for step {_told(number)}, which is not there.",
                )


def _told(number: int) -> str:
    """Return a number as a refusal quotes it, however long it is."""
    return shortened(str(number), MAX_TOLD_DIGITS)


def _step_problems(draft: CreatePlan, registry: Registry) -> Iterator[Problem]:
    for step in draft.steps:
        number = _told(step.step_number)
        if says_nothing(step.description):
            yield "no_description", f"Step {number} does not say what to do."
        if len(step.description) > MAX_DESCRIPTION_CHARS:
            yield "description_too_long", f"Step {number} says it in over {MAX_DESCRIPTION_CHARS} characters."
        for name in dict.fromkeys(step.tools):
            tool = registry.find(name)
            if tool is None:
                yield "unknown_tool", f"Step {number} names “{shortened(name, 60)}”, which is not a tool."
            elif step.executor_required and tool.access is Access.WRITE:
                yield (
                    "write_tool_on_executor",
                    f"Step {number} gives {name} to an executor, which may only read; make it your own step.",
                )


def _shape_problems(waits_for: Mapping[int, Sequence[int]], limits: Limits) -> Iterator[Problem]:
    reach = _reachable(waits_for)
    circle = sorted(number for number in waits_for if number in reach[number])
    if circle:
        many = f"Steps {', '.join(map(str, circle))} wait for each other."
        yield "plan_cycle", many if len(circle) > 1 else f"Step {circle[0]} waits for itself."
    elif _depth(waits_for) > limits.plan_depth:
        yield "too_deep", f"More than {limits.plan_depth} steps wait for one another in a row."


def _reachable(waits_for: Mapping[int, Sequence[int]]) -> dict[int, set[int]]:
    """Return, for each step, every step that has to end before it."""
    reach = {number: set(before) for number, before in waits_for.items()}
    for _ in waits_for:
        for before in reach.values():
            before |= {further for number in before for further in reach.get(number, ())}
    return reach


def _depth(waits_for: Mapping[int, Sequence[int]]) -> int:
    depth = dict.fromkeys(waits_for, 1)
    for _ in waits_for:
        for number, before in waits_for.items():
            depth[number] = 1 + max((depth.get(other, 0) for other in before), default=0)
    return max(depth.values())


def _step(draft: DraftStep, registry: Registry) -> Step:
    """Return the step as it is stored; an executor that was given no tools holds all that read."""
    tools = list(dict.fromkeys(draft.tools))
    return Step(
        step_number=draft.step_number,
        type=shortened(draft.type.strip() or "step", MAX_TYPE_CHARS),
        description=draft.description.strip(),
        executor_required=draft.executor_required,
        tools=tools or (registry.reading() if draft.executor_required else []),
        depends_on=sorted(set(draft.depends_on)),
    )
