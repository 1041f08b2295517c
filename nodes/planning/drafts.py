"""The planner's draft of a plan, read from its last answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nodes.asking.conversation import Conversation
from nodes.planning.rules import PLAN_TOOL, CreatePlan, validate
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.events import Step
from persistence.scope import Scope
from persistence.text import shortened
from tools.arguments import arguments_of
from tools.errors import ArgumentsInvalid
from tools.gateway import Store
from tools.tool import answered, refused

MAX_REASONING_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Outline:
    """What a draft says of itself before it is checked."""

    reasoning: str
    steps: int


def outline_of(raw: str) -> Outline:
    """Return the outline of a draft; of one that cannot be read, nothing."""
    try:
        draft = arguments_of(PLAN_TOOL, CreatePlan, raw)
    except ArgumentsInvalid:
        return Outline("", 0)
    return Outline(shortened(draft.reasoning.strip(), MAX_REASONING_CHARS), len(draft.steps))


def drafted(context: Context, conversation: Conversation, completed: Sequence[int] = ()) -> list[Step]:
    """Return the sound steps of the draft in the last answer.

    Raises:
        PlanInvalid: there is no draft, it is no plan at all, or it breaks a rule.
    """
    raw = next((call.asked.arguments for call in conversation.open_calls() if call.asked.tool == PLAN_TOOL), None)
    if raw is None:
        raise PlanInvalid([("no_plan", f"{PLAN_TOOL} was not called.")])
    try:
        draft = arguments_of(PLAN_TOOL, CreatePlan, raw)
    except ArgumentsInvalid as error:
        raise PlanInvalid([(error.code, str(error))]) from error
    return validate(draft, context.registry, context.limits, completed)


def close_calls(conversation: Conversation, about_plan: str, about_others: str) -> Store:
    """Give every open call of the last answer a result, so that the conversation stays well formed.

    Returns what stores them.
    """
    stores = [
        conversation.later_result(
            call.wanted,
            answered(about_plan) if call.asked.tool == PLAN_TOOL else refused(about_others, "not_run"),
        )
        for call in conversation.open_calls()
    ]

    def store(scope: Scope) -> None:
        for each in stores:
            each(scope)

    return store
