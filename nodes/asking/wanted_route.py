"""How a person wants a request handled, in words: for the planner, and for the person who asked why."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from nodes.vocabulary.events import Strategy
from persistence.runs.runs import WantedRoute

PLAN_FIRST: Final = "I want a plan for this, however small it is. Call create_plan now; nothing else can be called yet."
ANSWER_AT_ONCE: Final = (
    "I want an answer at once. Nothing can be looked up or changed: answer from what stands above, and say what you"
    " would have to look up."
)
TOLD: Final[Mapping[WantedRoute, tuple[str, ...]]] = MappingProxyType(
    {WantedRoute.AUTO: (), WantedRoute.PLAN: (PLAN_FIRST,), WantedRoute.ANSWER: (ANSWER_AT_ONCE,)}
)
WITHOUT_EXECUTORS: Final = "You asked for a plan. Nothing in it can be read side by side, so no executors are needed."


def reasoning(route: WantedRoute, strategy: Strategy, own: str) -> str:
    """Return why a request is handled so: the person's wish before the planner's own reason."""
    match route:
        case WantedRoute.AUTO:
            return own
        case WantedRoute.ANSWER:
            return "You asked for an answer at once, so nothing was looked up."
        case WantedRoute.PLAN if strategy is Strategy.COMPLEX:
            return f"You asked for a plan. {own}"
        case WantedRoute.PLAN:
            return "You asked for a plan, and the planner began with an answer."
