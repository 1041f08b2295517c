"""The one place that calls models: reserve, call, read strictly, settle.

Our own retry rule stands here, because the libraries' rules retry what cannot
help (400, 401), miss what can (a timeout) and ignore Retry-After.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable
from uuid import UUID

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from pydantic import JsonValue

from nodes.asking.arriving import Arriving
from nodes.asking.last_words import written_down
from nodes.asking.reply import Reply, read_reply
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import CallsSpent
from nodes.vocabulary.limits import Limits
from nodes.vocabulary.model_failure import ModelFailure
from persistence.errors import PersistenceError
from persistence.runs import usage
from persistence.runs.usage import Usage
from persistence.text import storable

CHARS_PER_TOKEN: Final = 4  # the usual rule of thumb; used only where a provider counts nothing itself
ANSWER_TOKENS_RESERVED: Final = 1_000
BACKOFF_SECONDS: Final = (0.5, 2.0, 8.0)
LONGEST_WAIT_SECONDS: Final = 30.0  # a provider that asks for more is passed over for the next

OnText = Callable[[str], Awaitable[None]]
Pause = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by which agent, and what for."""

    agent_id: UUID
    purpose: str
    messages: Sequence[BaseMessage]
    tools: Sequence[dict[str, JsonValue]] = ()


async def ask(
    context: Context,
    models: Sequence[BaseChatModel],
    question: Question,
    on_text: OnText | None = None,
    *,
    pause: Pause = asyncio.sleep,
) -> Reply:
    """Return the answer of the first model that gives one.

    The answer is streamed only when somebody reads its text as it comes. `pause`
    waits between two tries, for so many seconds.

    Raises:
        ModelFailure: no model answered; the last one's reason.
        CallsSpent: the run has made all the model calls it may.
    """
    telling = None if on_text is None else _Telling(on_text)
    failure: ModelFailure | None = None
    for model in models:
        for tried in range(max(context.limits.call_attempts, 1)):
            if tried and failure is not None:
                await pause(_wait_seconds(tried, failure))
            try:
                return await _ask_once(context, model, question, telling)
            except ModelFailure as error:
                failure = error
                if telling is not None and telling.told:
                    raise
                if not error.retryable or (error.retry_after_seconds or 0) > LONGEST_WAIT_SECONDS:
                    break
    assert failure is not None, "there is at least one model, and it failed"
    raise failure


class _Telling:
    """Passes text on, and remembers that something was shown: then nothing may be asked again."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text: Final = on_text
        self.told = False

    async def tell(self, text: str) -> None:
        self.told = True
        await self._on_text(text)


def _wait_seconds(tried: int, failure: ModelFailure) -> float:
    """Return how long to wait before the next try: what the provider asked for, else our own, with jitter."""
    if failure.retry_after_seconds is not None:
        return failure.retry_after_seconds
    backoff_seconds = BACKOFF_SECONDS[min(tried, len(BACKOFF_SECONDS)) - 1]
    return backoff_seconds * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, keeps no secret


async def _ask_once(context: Context, model: BaseChatModel, question: Question, telling: _Telling | None) -> Reply:
    """Make one model call with its row in `model_usage`, whatever becomes of it."""
    name = _name(model)
    prompt_tokens = _estimated_prompt(question)
    call_id = await _reserve(context, question, name, prompt_tokens + ANSWER_TOKENS_RESERVED)
    started = time.monotonic()
    arriving = Arriving()
    try:
        message = await _answer(context, model, question, telling, arriving)
    except ModelFailure:
        paid = Usage(prompt_tokens, _tokens(arriving.chars)) if arriving.chars else Usage()
        await _settle(context, call_id, name, Spent(name, paid, estimated=True, outcome="failed"), started)
        raise
    except asyncio.CancelledError:
        paid = Usage(prompt_tokens, _tokens(arriving.chars))
        with suppress(PersistenceError):
            await _settle(context, call_id, name, Spent(name, paid, estimated=True, outcome="cancelled"), started)
        raise
    reply = read_reply(message, name)
    written = arriving.chars or len(reply.text) + sum(len(call.arguments) for call in reply.calls)
    counted = Usage(prompt_tokens, _tokens(written))
    spent = Spent(reply.model, reply.usage or counted, estimated=reply.usage is None, outcome="answered")
    await _settle(context, call_id, name, spent, started)
    return replace(reply, usage=spent.usage)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model call cost, and how sure that is."""

    model: str
    usage: Usage
    estimated: bool
    outcome: str


async def _reserve(context: Context, question: Question, model: str, tokens: int) -> UUID:
    async with context.writing() as scope:
        if await usage.count(scope, context.run_id) >= context.limits.model_calls:
            raise CallsSpent(context.limits.model_calls)
        return await usage.reserve(scope, context.run_id, question.agent_id, question.purpose, model, tokens)


async def _settle(context: Context, call_id: UUID, asked: str, spent: Spent, started: float) -> None:
    """Write down what a call of the model that is configured as `asked` came to."""
    await written_down(_settled(context, call_id, spent, seconds := time.monotonic() - started))
    context.counters.model_called(asked, spent.outcome, seconds, spent.usage)


async def _settled(context: Context, call_id: UUID, spent: Spent, seconds: float) -> None:
    async with context.writing() as scope:
        await usage.settle(
            scope,
            call_id,
            spent.model,
            spent.usage,
            estimated=spent.estimated,
            outcome=spent.outcome,
            duration_ms=round(seconds * 1000),
        )


@runtime_checkable
class _Closable(Protocol):
    """A stream that can be left in the middle: the provider hears of it at once, not when memory is tidied."""

    def aclose(self) -> Awaitable[object]: ...


async def _answer(
    context: Context, model: BaseChatModel, question: Question, telling: _Telling | None, arriving: Arriving
) -> AIMessage:
    """Get the message, streamed when its text is read as it comes, in bounded time.

    Raises:
        ModelFailure: the provider failed, or was silent for too long.
    """
    asked = model.bind_tools(list(question.tools)) if question.tools else model
    messages = list(question.messages)
    try:
        async with asyncio.timeout(context.limits.call_seconds):
            if telling is None:
                return await asked.ainvoke(messages)
            stream = asked.astream(messages)
            assert isinstance(stream, _Closable), "a generator"
            async with aclosing(stream):
                return await _streamed(stream, context.limits, telling, arriving)
    except TimeoutError as error:
        raise ModelFailure("model_timeout", retryable=True) from error


async def _streamed(
    stream: AsyncIterator[AIMessage], limits: Limits, telling: _Telling, arriving: Arriving
) -> AIMessage:
    """Put a stream together, passing text on; stop it when it stalls or never ends."""
    patience_seconds = limits.first_token_seconds
    is_empty = True
    while (chunk := await _next(stream, patience_seconds)) is not None:
        patience_seconds, is_empty = limits.token_gap_seconds, False
        arriving.add(chunk)
        if chunk.text:
            await telling.tell(storable(chunk.text))
        if arriving.chars > limits.answer_chars:
            return arriving.cut()
    if is_empty:
        raise ModelFailure("model_unavailable", retryable=True, seen="an empty stream")
    return arriving.whole()


async def _next(stream: AsyncIterator[AIMessage], patience_seconds: float) -> AIMessageChunk | None:
    async with asyncio.timeout(patience_seconds):
        chunk = await anext(stream, None)
    assert chunk is None or isinstance(chunk, AIMessageChunk), "a streamed answer comes in chunks"
    return chunk


def _name(model: BaseChatModel) -> str:
    return str(getattr(model, "model_name", "") or model.get_name())


def _tokens(chars: int) -> int:
    return -(-chars // CHARS_PER_TOKEN)


def _estimated_prompt(question: Question) -> int:
    shown = sum(len(message.text) for message in question.messages)
    return _tokens(shown + len(json.dumps(list(question.tools))))
