"""What starting steps while their plan is written brings: `python -m tests.nodes.planning.streamed_plans`.

3,000 random plans on a simulated clock. The text of each is cut into tokens and
read by the program's own reader, at the pace of a model that takes 200 ms to the
first token and 5 ms a token; when a step may start, its rules say. A makespan
runs from the moment the planner is asked to the end of the last step:

- streamed: a read step starts when it stands in the plan, is allowed and its own dependencies are done;
- scheduled: the plan is written to its end first, then each step starts when its own dependencies are done;
- in waves: the plan is written to its end first, then a wave starts when the whole wave before it has ended.

Nobody has measured what people's plans look like, so they are made up: 5 to 14
steps, each waiting for none, one, one or two of those before it, at most six in a
row. A step is described in 60 to 200 characters; a reason and a goal stand before
them. A step takes what it takes in the reference run: two model calls of about 50
tokens (20 to 80) and a tool, with 5 to 50 ms for each tool and for what we do.
The steps that wait for none stand first, as the planner is asked to write them.
Further families change one of these each. A real model decides what a plan is
like, and so what is won.
"""

import heapq
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median, quantiles
from typing import Any, Final

from rich.console import Console

from nodes.planning.rules import CreatePlan, validate
from nodes.planning.sound_prefix import SoundPrefix
from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.events import Step
from nodes.vocabulary.limits import Limits
from tests.nodes.planning.critical_path import STEPS, random_graph
from tools.registry import Registry

PLANS: Final = 3_000
SEED: Final = 20_261_127
FIRST_TOKEN_SECONDS: Final = 0.200
TOKEN_SECONDS: Final = 0.005
CHARS_PER_TOKEN: Final = 4
MODEL_CALLS: Final = 2  # of a step
LIMITS: Final = Limits(plan_steps=STEPS.stop - 1)
REGISTRY: Final = Registry.build()


@dataclass(frozen=True)
class Family:
    """How plans are drawn. `own` is the share of the planner's own steps: one at a time, once the plan is stored."""

    name: str
    own: float = 0.0
    slowness: float = 1.0
    any_order: bool = False


FAMILIES: Final = (
    Family("every step reads"),
    Family("the same, in any order", any_order=True),
    Family("one step in seven is the planner's own", own=1 / 7),
    Family("every step reads and takes twice as long", slowness=2.0),
)


@dataclass(frozen=True)
class Drawn:
    """One plan of the simulation: its text, its sound steps, and how long each step takes."""

    text: str
    steps: Sequence[Step]
    seconds: Mapping[int, float]

    @property
    def written_after(self) -> float:
        """Return when the last token is there."""
        return FIRST_TOKEN_SECONDS + TOKEN_SECONDS * -(-len(self.text) // CHARS_PER_TOKEN)


def drawn(dice: random.Random, family: Family) -> Drawn:
    """Return a random plan that breaks no rule."""
    while True:
        text = json.dumps(_plan(dice, family))
        try:
            steps = validate(CreatePlan.model_validate_json(text), REGISTRY, LIMITS)
        except PlanInvalid:  # too deep
            continue
        return Drawn(text, steps, {step.step_number: family.slowness * _seconds(dice) for step in steps})


def _plan(dice: random.Random, family: Family) -> dict[str, Any]:
    return {
        "reasoning": "r" * dice.randint(80, 200),
        "goal": "g" * dice.randint(30, 80),
        "steps": [_step(dice, family, number, before) for number, before in _graph(dice, family).items()],
    }


def _graph(dice: random.Random, family: Family) -> dict[int, list[int]]:
    """Return what each step waits for, those that wait for none first unless the family has them in any order."""
    graph = random_graph(dice)
    ordered = list(graph) if family.any_order else sorted(graph, key=lambda number: bool(graph[number]))
    place = {number: at for at, number in enumerate(ordered, 1)}
    return {place[number]: sorted(place[before] for before in graph[number]) for number in ordered}


def _step(dice: random.Random, family: Family, number: int, waits_for: Sequence[int]) -> dict[str, Any]:
    reads = dice.random() >= family.own
    return {
        "stepNumber": number,
        "type": "gather" if reads else "write",
        "description": "d" * dice.randint(60, 200),
        "executorRequired": reads,
        "tools": [dice.choice(REGISTRY.reading()) if reads else "create_task"],
        "dependsOn": list(waits_for),
    }


def _seconds(dice: random.Random) -> float:
    spoken = sum(FIRST_TOKEN_SECONDS + TOKEN_SECONDS * dice.randint(20, 80) for _ in range(MODEL_CALLS))
    return spoken + sum(dice.uniform(0.005, 0.050) for _ in range(MODEL_CALLS))


def known_from(plan: Drawn) -> dict[int, float]:
    """Return from when on each step may start, its dependencies aside: some before the plan's end, all others then."""
    known = {step.step_number: plan.written_after for step in plan.steps}
    prefix = SoundPrefix(REGISTRY, LIMITS)
    for place in range(0, len(plan.text), CHARS_PER_TOKEN):
        for step in prefix.take(plan.text[place : place + CHARS_PER_TOKEN]):
            known[step.step_number] = FIRST_TOKEN_SECONDS + TOKEN_SECONDS * (place // CHARS_PER_TOKEN + 1)
    return known


def makespan(plan: Drawn, known: Mapping[int, float]) -> float:
    """Return when the last step ends, each starting when it is known, its dependencies are done and a place is free."""
    ends: dict[int, float] = {}
    free, own = [0.0] * LIMITS.plan_width, [0.0]
    waiting = {step.step_number: step for step in plan.steps}
    while waiting:
        ready = {
            number: max([known[number], *(ends[before] for before in step.depends_on)])
            for number, step in waiting.items()
            if all(before in ends for before in step.depends_on)
        }
        number = min(ready, key=lambda each: (ready[each], each))
        places = free if waiting.pop(number).executor_required else own
        ends[number] = max(ready[number], heapq.heappop(places)) + plan.seconds[number]
        heapq.heappush(places, ends[number])
    return max(ends.values())


def in_waves(plan: Drawn) -> float:
    """Return when the last wave ends, with the same places for steps."""
    wave: dict[int, int] = {}
    for step in plan.steps:
        wave[step.step_number] = 1 + max((wave[before] for before in step.depends_on), default=0)
    members = [[step for step in plan.steps if wave[step.step_number] == each] for each in sorted(set(wave.values()))]
    return plan.written_after + sum(_together(plan, steps) for steps in members)


def _together(plan: Drawn, steps: Sequence[Step]) -> float:
    """Return how long steps take that all start at once."""
    at_once = replace(plan, steps=[step.model_copy(update={"depends_on": []}) for step in steps])
    return makespan(at_once, dict.fromkeys(plan.seconds, 0.0))


def main() -> None:
    """Simulate and print."""
    console = Console(soft_wrap=True)
    for family in FAMILIES:
        dice = random.Random(SEED)
        plans = [drawn(dice, family) for _ in range(PLANS)]
        console.print(
            f"{PLANS} simulated plans of {STEPS.start} to {STEPS.stop - 1} steps, seed {SEED}: {family.name}"
            f" ({mean(second for plan in plans for second in plan.seconds.values()):.2f} s a step,"
            f" {mean(plan.written_after for plan in plans):.1f} s to write the plan)"
        )
        waves = [in_waves(plan) for plan in plans]
        streamed = [makespan(plan, known_from(plan)) for plan in plans]
        scheduled = [makespan(plan, dict.fromkeys(plan.seconds, plan.written_after)) for plan in plans]
        for name, spans in (("streamed", streamed), ("scheduled", scheduled)):
            ratios = [span / wave for span, wave in zip(spans, waves, strict=True)]
            console.print(
                f"  {name:<10}over waves: mean {mean(ratios):.3f}, median {median(ratios):.3f},"
                f" p95 {quantiles(ratios, n=20)[-1]:.3f}, worst {max(ratios):.3f};"
                f" all together {sum(spans) / sum(waves):.3f}"
            )


if __name__ == "__main__":
    main()
