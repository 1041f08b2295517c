"""The check of the model endpoint: one tiny streamed call, as a turn would make it."""

import asyncio
from time import monotonic
from typing import Final

from langchain_core.messages import HumanMessage

from graph.models import ModelProfileInvalid, close_chat_models
from nodes.vocabulary.model_failure import ModelFailure
from server.doctor.checks import Finding, Verdict
from server.engine import configured
from server.settings import ModelChoice
from server.terminal.wording import MS_PER_SECOND, duration

PATIENCE_SECONDS: Final = 30.0  # as a turn waits for a first token
SUBJECT: Final = "model"
OFFLINE: Final = Finding(
    Verdict.NOTE,
    SUBJECT,
    "the built-in offline model answers: rules, not a language model",
    "Set PLANWRIGHT_MODEL_BASE_URL, PLANWRIGHT_MODEL_API_KEY and PLANWRIGHT_PLANNER_MODEL for a language model.",
)


async def model_finding(choice: ModelChoice | None) -> Finding:
    """Return what came of asking the planner's first model for one word."""
    if choice is None:
        return OFFLINE
    name = choice.planner[0]
    try:
        waited_ms = await _first_piece_ms(choice)
    except (ModelFailure, ModelProfileInvalid) as failure:
        step = "Check PLANWRIGHT_MODEL_BASE_URL, PLANWRIGHT_MODEL_API_KEY and PLANWRIGHT_PLANNER_MODEL."
        return Finding(Verdict.FAILED, SUBJECT, f"{name}: {failure}", step)
    except TimeoutError:
        step = "Check the address and the way to it."
        return Finding(Verdict.FAILED, SUBJECT, f"{name} said nothing for {PATIENCE_SECONDS:.0f} s", step)
    if waited_ms is None:
        step = "Use an endpoint that streams, or another model."
        return Finding(Verdict.FAILED, SUBJECT, f"{name} streams nothing", step)
    return Finding(Verdict.OK, SUBJECT, f"{name} streams, the first piece after {duration(waited_ms)}")


async def _first_piece_ms(choice: ModelChoice) -> int | None:
    planner, executor = configured(choice)
    began = monotonic()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for _ in planner[0].astream([HumanMessage("Say: ok")]):
                return round((monotonic() - began) * MS_PER_SECOND)
    finally:
        await close_chat_models([*planner, *executor])
    return None
