"""What the run may change, asked of a model that sees the person's own words and nothing else.

Asked once, when a first write is about to happen, so a run that only reads costs
nothing. No answer, or one that cannot be read, allows nothing: the person is asked.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from langchain_core.messages import HumanMessage, SystemMessage

from nodes.asking.ask import Question, ask
from nodes.asking.own_words import own_words
from nodes.asking.render import clock_words, render
from nodes.asking.reply import Reply
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import CallsSpent
from nodes.vocabulary.model_failure import ModelFailure
from persistence.runs import intents
from tools.arguments import arguments_of
from tools.errors import ArgumentsInvalid
from tools.intents import INTENTS_TOOL, NOTHING, AllowChanges, Intents, as_json, intents_schema

EARLIER_MESSAGES: Final = 10  # looked back at, of both sides
TRIES: Final = 2


async def take_intents(context: Context, planner_id: UUID) -> None:
    """Store what the person's own words let the run change, unless it is stored already."""
    async with context.writing() as scope:
        if await intents.of_run(scope, context.run_id) is not None:
            return
    said = context.said_before[-EARLIER_MESSAGES:]
    taken = await _taken(context, planner_id, [message.content for message in said if message.role == "user"])
    async with context.writing() as scope:
        await intents.store(scope, context.run_id, as_json(taken))


async def _taken(context: Context, planner_id: UUID, earlier: Sequence[str]) -> Intents:
    question = Question(planner_id, "intents", _prompt(context, earlier), [intents_schema(context.registry)])
    try:
        for _ in range(TRIES):
            taken = _read(await ask(context, context.planner, question))
            if taken is not None:
                return taken
    except (ModelFailure, CallsSpent):
        pass  # nobody could say what was asked for, so the person is asked
    return NOTHING


def _prompt(context: Context, earlier: Sequence[str]) -> list[SystemMessage | HumanMessage]:
    words = [f"- {' '.join(own_words(text).split())}" for text in earlier]
    now = clock_words(context.now, context.time_zone)
    return [
        SystemMessage(render("intents", now=now, time_zone=context.time_zone.key)),
        HumanMessage(render("intents_words", earlier="\n".join(words) or "(none)", message=own_words(context.request))),
    ]


def _read(reply: Reply) -> Intents | None:
    """Return what a reply allows; None when it says neither something nor nothing."""
    calls = [call for call in reply.calls if call.name == INTENTS_TOOL]
    try:
        read = [arguments_of(INTENTS_TOOL, AllowChanges, call.arguments).changes for call in calls]
    except ArgumentsInvalid:
        return None
    return tuple(intent for changes in read for intent in changes) if calls else None
