"""The one place that calls models: reserve, call, read strictly, settle.

Our own retry rule stands here, because the libraries' rules retry what cannot
help (400, 401), miss what can (a timeout) and ignore Retry-After.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol, runtime_checkable
from uuid import UUID, uuid4

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from pydantic import JsonValue
from typing_extensions import TypedDict

from nodes.asking.arriving import Arriving
from nodes.asking.estimate import Size, size_of, tokens_of
from nodes.asking.last_words import written_down
from nodes.asking.reply import Reply, read_reply, within
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import CallsSpent, TokensSpent
from nodes.vocabulary.limits import Limits
from nodes.vocabulary.model_failure import ModelFailure
from nodes.vocabulary.stand_in import Place
from persistence.errors import CancelRequested, NoRoom, PersistenceError
from persistence.runs import charges, reservations, usage
from persistence.runs.reservations import Wanted
from persistence.runs.usage import Cost, Price, Usage
from persistence.scope import Scope
from persistence.text import storable
from tools.gateway import Store

BACKOFF_SECONDS: Final = (0.5, 2.0, 8.0)
LONGEST_WAIT_SECONDS: Final = 30.0  # a provider that asks for more is passed over for the next
LOOK_AGAIN_SECONDS: Final = 0.25  # whether calls under way gave back what they did not use
EXECUTING: Final = "executor"  # the purpose of an executor's calls
ANSWERING: Final = "synthesise"  # what a run may still ask for when it was refused a call


class ArgumentPiece(TypedDict):
    """What was written just now of a call's arguments: the place of the call in its answer, its name, the text."""

    place: int
    name: str | None
    arguments: str


class Overhearing(Protocol):
    """Who reads the arguments of calls while they are being written."""

    async def begin(self) -> None:
        """Learn that an answer begins, maybe one in place of an answer that failed."""

    async def hear(self, pieces: Sequence[ArgumentPiece]) -> None:
        """Take what has come."""


OnText = Callable[[str], Awaitable[None]]
Begin = Callable[[Scope], None]
Also = Callable[[Scope], Awaitable[None]]
Keep = Callable[[Scope, Reply], Awaitable[None]]
Hold = Callable[[Reply, Store], bool]
Pause = Callable[[float], Awaitable[object]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by which agent, and what for.

    `tools` are in OpenAI's form, which all of our models take beside the messages. `place` is that of the answer, if
    it is kept in a conversation.
    """

    agent_id: UUID
    purpose: str
    messages: Sequence[BaseMessage]
    tools: Sequence[dict[str, JsonValue]] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored beside a call.

    `keep` stores the answer, and what follows from it at once, in the transaction that settles the call; `begin` what
    comes before the call, in each transaction that reserves one. `hold` is offered the answer with what settles the
    call: it may keep both for a transaction of its own, and says whether it does.
    """

    keep: Keep | None = None
    begin: Begin | None = None
    hold: Hold | None = None


NOTHING_STORED: Final = Stored()


async def ask(
    context: Context,
    models: Sequence[BaseChatModel],
    question: Question,
    on_text: OnText | None = None,
    stored: Stored = NOTHING_STORED,
    *,
    overhearing: Overhearing | None = None,
    pause: Pause = asyncio.sleep,
) -> Reply:
    """Return the answer of the first model that gives one.

    The answer is streamed only when somebody reads its text as it comes; its calls can be
    overheard then. What is `stored` with it is, in the same transaction, so that what was
    paid for is never asked for again. `pause` waits between two tries, for so many seconds.

    Raises:
        ModelFailure: no model answered; the last one's reason.
        CallsSpent: the run may make no more model calls.
        RecordIncomplete: the answer was to come from a record that does not have it.
    """
    if context.stand_in is not None:
        async with context.writing() as scope:  # it looks for the conversation that the answer is going to stand in
            if stored.begin is not None:
                stored.begin(scope)
        recorded = await context.stand_in.model_for(question.purpose, question.place)
        models = models if recorded is None else [recorded]
    telling = None if on_text is None else _Telling(on_text, overhearing)
    failure: ModelFailure | None = None
    for model in models:
        for tried in range(max(context.limits.call_attempts, 1)):
            if tried and failure is not None:
                await pause(_wait_seconds(tried, failure))
            try:
                return await _ask_once(context, model, question, telling, stored, pause)
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

    def __init__(self, on_text: OnText, overhearing: Overhearing | None) -> None:
        self._on_text: Final = on_text
        self._overhearing: Final = overhearing
        self.told = False

    async def begin(self) -> None:
        if self._overhearing is not None:
            await self._overhearing.begin()

    async def tell(self, text: str) -> None:
        self.told = True
        await self._on_text(text)

    async def pass_on(self, pieces: Sequence[ArgumentPiece]) -> None:
        if self._overhearing is not None:
            await self._overhearing.hear(pieces)


def _wait_seconds(tried: int, failure: ModelFailure) -> float:
    """Return how long to wait before the next try: what the provider asked for, else our own, with jitter."""
    if failure.retry_after_seconds is not None:
        return failure.retry_after_seconds
    backoff_seconds = BACKOFF_SECONDS[min(tried, len(BACKOFF_SECONDS)) - 1]
    return backoff_seconds * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, keeps no secret


async def _ask_once(
    context: Context,
    model: BaseChatModel,
    question: Question,
    telling: _Telling | None,
    stored: Stored,
    pause: Pause,
) -> Reply:
    """Make one model call with its row in `model_usage`, whatever becomes of it."""
    asked = _Asked.of(context, model, question)
    call_id = await _reserve(context, question, asked, stored.begin, pause)
    started = time.monotonic()
    arriving = Arriving(context.limits.answer_chars)
    try:
        message = await _answer(context, asked, question, telling, arriving)
    except ModelFailure:
        paid = asked.counted(arriving.tokens) if arriving.tokens else Usage()
        spent = Cost(asked.name, paid, estimated=True, outcome="failed")
        await _settle(context, call_id, asked, spent, _seconds_since(started))
        raise
    except asyncio.CancelledError:
        paid = asked.counted(arriving.tokens)
        with suppress(PersistenceError):
            spent = Cost(asked.name, paid, estimated=True, outcome="cancelled")
            await _settle(context, call_id, asked, spent, _seconds_since(started))
        raise
    reply = read_reply(message, asked.name)
    told = asked.believed(reply)
    if told is None:
        log.warning("The model %s says no believable token count: our own is used", reply.model)
    usage = told or asked.counted(max(arriving.tokens, tokens_of(reply.written)))
    spent = Cost(reply.model, usage, estimated=told is None, outcome="answered")
    reply = within(replace(reply, usage=usage), context.limits.answer_chars)
    seconds, keep = _seconds_since(started), stored.keep
    if asked.covers(spent) and stored.hold is not None:
        settle = partial(_settle_within, call_id=call_id, asked=asked, spent=spent, seconds=seconds)
        if stored.hold(reply, settle):
            _count(context, asked, spent, seconds)
            return reply
    await _settle(context, call_id, asked, spent, seconds, keep and (lambda scope: keep(scope, reply)))
    return reply


@dataclass(frozen=True, slots=True)
class _Asked:
    """One call of one model by an agent: how large its prompt is, and how long its answer may be."""

    agent_id: UUID
    model: BaseChatModel
    name: str
    is_free: bool
    prompt: Size
    answer_tokens: int

    @classmethod
    def of(cls, context: Context, model: BaseChatModel, question: Question) -> "_Asked":
        limits = context.limits
        answer = limits.executor_answer_tokens if question.purpose == EXECUTING else limits.answer_tokens
        prompt = size_of(question.messages, question.tools)
        return cls(question.agent_id, model, name_of(model), is_free(model), prompt, answer)

    @property
    def bounds(self) -> dict[str, int]:
        """Return what the provider is told."""
        return {} if self.is_free else {"max_tokens": self.answer_tokens}

    @property
    def price(self) -> Price:
        return Price(self.prompt.tokens, self.answer_tokens)

    def counted(self, answer_tokens: int) -> Usage:
        """Return our own count of what it cost."""
        return Usage(self.prompt.tokens, answer_tokens)

    def covers(self, spent: Cost) -> bool:
        """Say whether a call cost no more than was reserved for it."""
        return self.is_free or spent.usage.total <= self.price.total

    def believed(self, reply: Reply) -> Usage | None:
        """Return the provider's count, unless it cannot be: a token is a byte or more, or was allowed."""
        told = reply.usage
        if told is None or self.is_free:
            return told
        answer_at_most = max(self.answer_tokens, len(reply.written.encode()))
        if told.prompt_tokens <= self.prompt.tokens_at_most and told.completion_tokens <= answer_at_most:
            return told
        return None


def name_of(model: BaseChatModel) -> str:
    """Return the name by which a model is configured."""
    return str(getattr(model, "model_name", "") or model.get_name())


def is_free(model: BaseChatModel) -> bool:
    """Say whether nobody pays for a model: it runs in this process, and its tokens are only shown."""
    return getattr(model, "is_free", False) is True


async def _reserve(context: Context, question: Question, asked: _Asked, begin: Begin | None, pause: Pause) -> UUID:
    """Reserve what a call may cost, as soon as the person's last minute has room for it.

    Raises:
        CallsSpent: the run has made all its calls, or there was no room in time; from then on it may only answer.
    """
    try:
        return await _reserved_in_time(context, question, asked, begin, pause)
    except CallsSpent:
        async with context.writing() as scope:
            await usage.mark_refused(scope, context.run_id)
        raise


async def _reserved_in_time(
    context: Context, question: Question, asked: _Asked, begin: Begin | None, pause: Pause
) -> UUID:
    limits = context.limits
    patience_seconds = limits.token_wait_seconds if asked.price.total <= limits.tokens_per_minute else 0
    while True:
        try:
            return await _reserved(context, question, asked, begin)
        except NoRoom as full:
            if question.purpose == EXECUTING and not context.early.plan_is_whole.is_set():
                await context.early.plan_is_whole.wait()  # the planner's answer, reserved in full, gives room back
                continue
            wait_seconds = max(full.wait_seconds, LOOK_AGAIN_SECONDS)
            patience_seconds -= wait_seconds
            if patience_seconds < 0:
                raise TokensSpent(limits.tokens_per_minute) from None
        await pause(wait_seconds)


async def _reserved(context: Context, question: Question, asked: _Asked, begin: Begin | None) -> UUID:
    limits = context.limits
    wanted = Wanted(
        id=uuid4(),
        agent_id=question.agent_id,
        purpose=question.purpose,
        model=asked.name,
        price=asked.price,
        is_last=question.purpose == ANSWERING,
        is_free=asked.is_free,
    )
    async with context.writing() as scope:
        if begin is not None:
            begin(scope)
        reserving = reservations.reserve(
            scope,
            context.run_id,
            wanted,
            calls_at_most=limits.model_calls,
            tokens_at_most=limits.tokens_per_minute,
        )
    verdict = reserving.verdict
    if verdict.admitted:
        return wanted.id
    if verdict.calls >= limits.model_calls:
        raise CallsSpent(limits.model_calls)
    if verdict.was_refused and not wanted.is_last:
        raise TokensSpent(limits.tokens_per_minute)
    if verdict.is_to_stop:
        raise CancelRequested
    raise NoRoom(verdict.wait_seconds)


async def _settle(
    context: Context, call_id: UUID, asked: _Asked, spent: Cost, seconds: float, also: Also | None = None
) -> None:
    """Write down what a call came to, and what else belongs to it."""
    await written_down(_settled(context, call_id, asked, spent, seconds, also))
    _count(context, asked, spent, seconds)


def _seconds_since(started: float) -> float:
    return time.monotonic() - started


def _count(context: Context, asked: _Asked, spent: Cost, seconds: float) -> None:
    context.memory.tokens[asked.agent_id] += spent.usage.total
    context.counters.model_called(asked.name, spent.outcome, seconds, spent.usage)


async def _settled(
    context: Context, call_id: UUID, asked: _Asked, spent: Cost, seconds: float, also: Also | None
) -> None:
    async with context.writing() as scope:
        if asked.covers(spent):
            _settle_within(scope, call_id, asked, spent, seconds)
        else:
            usage.settle(scope, call_id, spent, _milliseconds(seconds))
            most = context.limits.tokens_per_minute
            await charges.settle(scope, call_id, spent.usage.total, asked.price.total, most)
        if also is not None:
            await also(scope)


def _settle_within(scope: Scope, call_id: UUID, asked: _Asked, spent: Cost, seconds: float) -> None:
    """Write down what a call came to that cost no more than was reserved for it."""
    usage.settle(scope, call_id, spent, _milliseconds(seconds), charged=not asked.is_free)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


@runtime_checkable
class _Closable(Protocol):
    """A stream that can be left in the middle: the provider hears of it at once, not when memory is tidied."""

    def aclose(self) -> Awaitable[object]: ...


async def _answer(
    context: Context, asked: _Asked, question: Question, telling: _Telling | None, arriving: Arriving
) -> AIMessage:
    """Get the message, streamed when its text is read as it comes, in bounded time.

    Raises:
        ModelFailure: the provider failed, or was silent for too long.
    """
    messages, parameters = list(question.messages), dict[str, Any](asked.bounds)
    if question.tools:
        parameters["tools"] = list(question.tools)
    try:
        async with asyncio.timeout(context.limits.call_seconds):
            if telling is None:
                return await asked.model.ainvoke(messages, **parameters)
            await telling.begin()
            stream = asked.model.astream(messages, **parameters)
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
        if text := arriving.add(chunk):
            await telling.tell(storable(text))
        if pieces := chunk.additional_kwargs.get("argument_pieces"):
            await telling.pass_on(pieces)
        if arriving.is_full:
            return arriving.cut()
    if is_empty:
        raise ModelFailure("model_unavailable", retryable=True, seen="an empty stream")
    return arriving.whole()


async def _next(stream: AsyncIterator[AIMessage], patience_seconds: float) -> AIMessageChunk | None:
    async with asyncio.timeout(patience_seconds):
        chunk = await anext(stream, None)
    assert chunk is None or isinstance(chunk, AIMessageChunk), "a streamed answer comes in chunks"
    return chunk
