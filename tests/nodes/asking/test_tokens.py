"""Tokens of models: reserved before a call, settled after it, never more than a minute has room for."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from langchain_core.messages import HumanMessage
from pydantic import JsonValue

from nodes.asking.ask import Question, ask
from nodes.vocabulary.errors import CallsSpent, TokensSpent
from persistence.pools import Database
from persistence.runs import runs
from persistence.runs.charges import Kind
from tests.conftest import Person
from tests.nodes.asking.room import PATIENT, Room, room
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Reply, call, status, text, tools
from tests.scripted_model.script import rules, when
from tests.server.reading import until
from tests.spending import Spending, spending_of

NOON: Final = text("It is noon.", deltas=4)
ANSWER_TOKENS: Final = 400
BOUNDED: Final = replace(PATIENT, tokens_per_minute=1_000, answer_tokens=ANSWER_TOKENS, executor_answer_tokens=100)
PROMPT_TOKENS: Final = range(10, 40)  # of the room's question


@pytest.fixture
def spending(admin_dsn: str, person: Person) -> Iterator[Spending]:
    """Give what the person spent."""
    with spending_of(admin_dsn, person) as spent:
        yield spent


async def ignore(_text: str) -> None:
    """Read a streamed text and forget it."""


async def budget_spent(at: Room) -> bool:
    """Say whether the run was refused a call."""
    async with at.context.writing() as scope:
        run = await runs.find(scope, at.context.run_id)
    return run is not None and run.budget_spent_at is not None


# What is charged


async def test_what_was_reserved_and_not_used_is_given_back(
    database: Database, person: Person, spending: Spending
) -> None:
    """While the model is at work its prompt and its longest answer are reserved; then it is what it cost."""
    gate = Gate()
    async with room(database, person, [NOON.gated(gate)]) as at:
        asked = asyncio.create_task(at.ask(limits=BOUNDED))
        await gate.reached()
        (reserved,) = spending.amounts(Kind.TOKEN)
        gate.open()
        await asked
    assert reserved - ANSWER_TOKENS in PROMPT_TOKENS
    assert spending.amounts(Kind.TOKEN) == [at.model.usage.total]


@pytest.mark.parametrize(("purpose", "most"), [("decide", ANSWER_TOKENS), ("executor", 100)])
async def test_a_provider_is_told_how_long_its_answer_may_be(
    database: Database, person: Person, purpose: str, most: int
) -> None:
    """What is reserved for an answer is its bound, so a provider that keeps to it costs no more."""
    async with room(database, person, [NOON]) as at:
        context = replace(at.context, limits=BOUNDED)
        await ask(context, context.planner, Question(at.planner_id, purpose, []))
    sent = at.model.requests[0].json
    assert sent["max_tokens"] == most
    assert "max_completion_tokens" not in sent


LIES: Final[dict[str, JsonValue]] = {
    "none": None,
    "0": {"prompt_tokens": 0, "completion_tokens": 0},
    "-5": {"prompt_tokens": -5, "completion_tokens": 3},
    "null": {"prompt_tokens": None, "completion_tokens": None},
    "text": {"prompt_tokens": "12", "completion_tokens": "12"},
    "a million million": {"prompt_tokens": 10**12, "completion_tokens": 3},
    "a fraction": {"prompt_tokens": 12.5, "completion_tokens": 3},
    "NaN": {"prompt_tokens": float("nan"), "completion_tokens": 3},
    "true": {"prompt_tokens": True, "completion_tokens": True},
    "more than bytes were sent": {"prompt_tokens": 9_000, "completion_tokens": 3},
    "more than was allowed or came": {"prompt_tokens": 12, "completion_tokens": ANSWER_TOKENS + 1},
}


@pytest.mark.parametrize("told", LIES.values(), ids=LIES)
async def test_a_count_that_cannot_be_is_ours(
    database: Database, person: Person, spending: Spending, caplog: pytest.LogCaptureFixture, told: JsonValue
) -> None:
    """Whatever a provider says, a believable count is charged, and the operator hears of it."""
    async with room(database, person, [text("It is noon.", usage=told)]) as at:
        await at.ask(limits=BOUNDED)
        (call_,) = await at.spent()
    (charged,) = spending.amounts(Kind.TOKEN)
    assert (call_.estimated, call_.completion_tokens) == (True, 3)
    assert charged - 3 in PROMPT_TOKENS
    assert "no believable token count" in caplog.text


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(NOON.disconnect_after(4), id="cut before its usage"),
        pytest.param(text("It is noon.", deltas=4, reasoning="Hm. " * 40).disconnect_after(5), id="with thoughts"),
    ],
)
async def test_what_came_before_a_break_is_paid(
    database: Database, person: Person, spending: Spending, broken: Reply
) -> None:
    """A stream that is cut costs its prompt and what was streamed of it, thoughts too."""
    async with room(database, person, [broken]) as at:
        with pytest.raises(Exception, match="provider"):
            await at.ask(ignore, limits=replace(BOUNDED, call_attempts=1))
        (call_,) = await at.spent()
    assert call_.prompt_tokens in PROMPT_TOKENS
    assert call_.prompt_tokens
    assert call_.completion_tokens
    assert (call_.completion_tokens >= 40) == (broken.reasoning is not None)
    assert spending.amounts(Kind.TOKEN) == [call_.prompt_tokens + call_.completion_tokens]


async def test_a_refused_call_costs_nothing(database: Database, person: Person, spending: Spending) -> None:
    """A provider that asks us to slow down was paid nothing: each try gives back what it reserved."""
    async with room(database, person, [status(429), status(429), NOON]) as at:
        await at.ask(limits=BOUNDED)
    assert spending.amounts(Kind.TOKEN) == [0, 0, at.model.usage.total]


async def test_a_fallback_is_charged_by_its_own_count(database: Database, person: Person, spending: Spending) -> None:
    """Another model has another tokenizer: what it says of its own call is charged."""
    counted: JsonValue = {"prompt_tokens": 17, "completion_tokens": 9}
    script = rules(when(status(401), model="deep"), when(text("It is noon.", usage=counted), model="spare"))
    async with room(database, person, script, fallbacks=("spare",)) as at:
        await at.ask(limits=BOUNDED)
    assert spending.amounts(Kind.TOKEN) == [0, 26]


async def test_an_answer_longer_than_allowed_is_charged(database: Database, person: Person, spending: Spending) -> None:
    """A provider that does not keep to the bound is paid for what came, in this window and the ones behind it."""
    async with room(database, person, [text("word " * 1_200)]) as at:
        await at.ask(limits=BOUNDED)
        (call_,) = await at.spent()
    assert not call_.estimated
    assert sum(spending.amounts(Kind.TOKEN)) == at.model.usage.total > 1_000
    assert spending.windows(Kind.TOKEN, 1_000) == (2, 0)


# Room


async def test_calls_side_by_side_stay_within_the_minute(
    database: Database, person: Person, spending: Spending
) -> None:
    """Of four executors at once near the limit two find room; the others wait for what those give back."""
    gate, patient = Gate(), replace(BOUNDED, token_wait_seconds=float("inf"))
    async with room(database, person, rules(when(NOON.gated(gate)))) as at:

        async def waits() -> bool:
            return bool(at.paused)

        asked = [asyncio.create_task(at.ask(limits=patient)) for _ in range(4)]
        await at.model.requested(2)
        await until(waits)
        assert len(at.model.requests) == 2
        assert len(spending.amounts(Kind.TOKEN)) == 2
        gate.open()
        await asyncio.gather(*asked)
    assert spending.amounts(Kind.TOKEN) == [at.model.usage.total // 4] * 4
    assert spending.windows(Kind.TOKEN, 1_000) == (4, 0)


async def test_who_finds_no_room_in_time_is_told_so(database: Database, person: Person, spending: Spending) -> None:
    """What is charged leaves too late for this call: it fails at once, and the run is not asked to wait in vain."""
    async with room(database, person, rules(when(text("word " * 560)))) as at:
        await at.ask(limits=BOUNDED)
        with pytest.raises(TokensSpent, match="1,000 tokens") as spent:
            await at.ask(limits=BOUNDED)
        assert (spent.value.code, spent.value.retryable) == ("budget_exhausted", True)
        assert await budget_spent(at)
        assert at.paused == []
        assert len(at.model.requests) == 1
        assert len(await at.spent()) == 1, "nothing is reserved for it"


async def test_a_call_that_no_minute_has_room_for_is_not_waited_for(database: Database, person: Person) -> None:
    """A prompt above the budget altogether fails at once."""
    async with room(database, person, rules(when(NOON))) as at:
        with pytest.raises(TokensSpent):
            await at.ask(limits=replace(BOUNDED, tokens_per_minute=ANSWER_TOKENS))
    assert (at.paused, at.model.requests) == ([], [])


async def test_a_run_that_was_refused_asks_for_its_answer_only(
    database: Database, person: Person, spending: Spending
) -> None:
    """Nothing more is dispatched; whether the answer finds room is looked at anew."""
    async with room(database, person, rules(when(text("word " * 560), says="noon"), when(NOON))) as at:
        context = replace(at.context, limits=replace(BOUNDED, model_calls=1))
        question = Question(at.planner_id, "decide", [])
        await ask(context, context.planner, question)
        with pytest.raises(CallsSpent):
            await ask(context, context.planner, question)
        context = replace(at.context, limits=BOUNDED)
        with pytest.raises(TokensSpent):
            await ask(context, context.planner, question)
        await ask(context, context.planner, replace(question, purpose="synthesise"))
    assert len(at.model.requests) == 2


async def test_letters_beyond_ascii_are_counted_as_more(database: Database, person: Person, spending: Spending) -> None:
    """A prompt in another script has about a token a letter, and is reserved as such."""
    gate = Gate()
    async with room(database, person, [tools(call("list_tasks", "{}")).gated(gate)]) as at:
        context = replace(at.context, limits=BOUNDED)
        question = Question(at.planner_id, "decide", [HumanMessage("今日の予定は何ですか" * 10)])
        asked = asyncio.create_task(ask(context, context.planner, question))
        await gate.reached()
        (reserved,) = spending.amounts(Kind.TOKEN)
        gate.open()
        await asked
    assert reserved - ANSWER_TOKENS in range(100, 120)
