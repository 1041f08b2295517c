"""Which steps of a plan may start while it is still being written.

They are checked by the rules of the finished plan, as far as its beginning can
break them. A step may start when an executor does it, so that it only reads; when
all that it waits for may start as well; and when what stands there cannot become
a chain any more, for a chain is run by the planner itself. Steps that come later
cannot undo this: none that stands there can wait for one of them.
"""

from collections.abc import Sequence
from typing import Final

from nodes.planning.rules import PLAN_TOOL, CreatePlan, DraftStep, is_chain, validate
from nodes.planning.step_reader import StepReader
from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.events import Step
from nodes.vocabulary.limits import Limits
from tools.arguments import arguments_of
from tools.errors import ArgumentsInvalid
from tools.registry import Registry


class SoundPrefix:
    """The beginning of a plan, fed with its text as it comes."""

    def __init__(self, registry: Registry, limits: Limits) -> None:
        self._registry: Final = registry
        self._limits: Final = limits
        self._reader: Final = StepReader()
        self._drafts: Final[list[DraftStep]] = []
        self.given: Final[list[Step]] = []  # all that may start so far
        self._is_broken = False

    def take(self, delta: str) -> list[Step]:
        """Take the next piece of text; return the steps that may start from now on, each once and behind its own."""
        if self._is_broken or not (texts := self._reader.feed(delta)):
            return []
        try:
            self._drafts.extend([_drafted(text) for text in texts])
        except ArgumentsInvalid:
            self._is_broken = True
            return []
        self._is_broken = len(self._drafts) > self._limits.plan_steps
        known = {step.step_number for step in self.given}
        new = [step for step in self._startable() if step.step_number not in known]
        self.given.extend(new)
        return new

    def _startable(self) -> list[Step]:
        try:
            steps = validate(CreatePlan(steps=self._drafts), self._registry, self._limits)
        except PlanInvalid:
            return []
        return [] if is_chain(steps) else _reading(steps)


def _drafted(text: str) -> DraftStep:
    """Return a step as the finished plan's arguments will have it.

    Raises:
        ArgumentsInvalid: it is none, so the plan will be none either.
    """
    [draft] = arguments_of(PLAN_TOOL, CreatePlan, f'{{"steps": [{text}]}}').steps
    return draft


def _reading(steps: Sequence[Step]) -> list[Step]:
    """Return the steps of executors that wait for no other steps than such, each behind those that it waits for."""
    found: dict[int, Step] = {}
    for _ in steps:
        for step in steps:
            if step.executor_required and found.keys() >= set(step.depends_on):
                found.setdefault(step.step_number, step)
    return list(found.values())
