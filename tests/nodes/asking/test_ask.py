"""The one place that calls models: reserve, call, read strictly, settle."""

import asyncio
import time
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from nodes.asking.ask import LONGEST_WAIT_SECONDS
from nodes.vocabulary.errors import CallsSpent
from nodes.vocabulary.limits import Limits
from nodes.vocabulary.model_failure import ModelFailure
from persistence.pools import Database
from tests.conftest import Person
from tests.nodes.asking.room import PATIENT, Room, room
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Reply, call, error_in_200, raw_events, status, text, tools
from tests.scripted_model.script import rules, when

NOON: Final = text("It is noon.", deltas=4)
SHORT_FIRST: Final = replace(PATIENT, first_token_seconds=0.2, call_attempts=1)
SHORT_GAP: Final = replace(PATIENT, token_gap_seconds=0.2, call_attempts=1)
SHORT_CALL: Final = replace(PATIENT, call_seconds=0.2, call_attempts=1)
BELIEVED: Final = 10_000_000


async def ignore(_text: str) -> None:
    """Read a streamed text and forget it."""


async def failure_of(at: Room) -> ModelFailure:
    """Return why no model answered."""
    with pytest.raises(ModelFailure) as failure:
        await at.ask()
    return failure.value


# Answers


async def test_an_answer_nobody_watches_is_not_streamed(database: Database, person: Person) -> None:
    """Executors' answers come whole; only a text that somebody reads as it comes is streamed."""
    async with room(database, person, [NOON, NOON]) as at:
        assert (await at.ask()).text == "It is noon."
        assert (await at.ask(ignore)).text == "It is noon."
    assert [request.is_streamed for request in at.model.requests] == [False, True]


async def test_a_streamed_answer_is_told_piece_by_piece(database: Database, person: Person) -> None:
    """What is told joins to what is returned, with whatever cannot be stored replaced."""
    told: list[str] = []

    async def tell(piece: str) -> None:
        told.append(piece)

    async with room(database, person, [text("a\x00b\ud800c and more", deltas=5)]) as at:
        reply = await at.ask(tell)
    assert "".join(told) == reply.text == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c and more"


async def test_streamed_calls_and_thoughts_arrive_as_written(database: Database, person: Person) -> None:
    """Calls keep their raw text and order, thinking is kept apart from the text."""
    asked = tools(call("list_tasks", '{"limit": 5'), call("", None), text="Let me see.", reasoning="Hm.")
    async with room(database, person, [asked]) as at:
        reply = await at.ask(ignore)
    assert [(each.name, each.arguments) for each in reply.calls] == [("list_tasks", '{"limit": 5'), ("", "")]
    assert (reply.text, reply.reasoning) == ("Let me see.", "Hm.")


async def test_arguments_that_are_no_json_do_not_stop_the_clock(database: Database, person: Person) -> None:
    """Broken arguments in a thousand pieces cost what they cost to read once."""
    broken = tools(call("create_note", "abc " * 2_000, piece_chars=8))
    async with room(database, person, [broken]) as at:
        began = time.process_time()
        reply = await at.ask(ignore)
        took_seconds = time.process_time() - began
    assert len(reply.calls[0].arguments) == 8_000
    assert took_seconds < 10, "the library's own merging took 20 s and more"


# What ends a call


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(text("word " * 4_000, deltas=400), id="text"),
        pytest.param(tools(call("create_note", '{"content": "' + "word " * 4_000, piece_chars=50)), id="arguments"),
    ],
)
async def test_an_endless_answer_is_cut(database: Database, person: Person, endless: Reply) -> None:
    """A model that does not stop is left; what it said so far stands, and no call of it runs."""
    gate = Gate()
    async with room(database, person, [endless.gated(gate, after=300)]) as at:
        reply = await at.ask(ignore, limits=replace(PATIENT, answer_chars=1_000))
        delivered = await asyncio.wrap_future(at.model.requests[0].delivered)
        (spent,) = await at.spent()
    assert not delivered, "the client left"
    assert reply.cut
    assert reply.calls == ()
    assert len(reply.text) < 2_000
    assert (spent.outcome, spent.estimated) == ("answered", True)
    assert spent.completion_tokens is not None
    assert 250 <= spent.completion_tokens < 500


async def test_a_cut_off_answer_loses_its_calls(database: Database, person: Person) -> None:
    """A call at the model's length limit may parse as another, valid one: it is dropped."""
    async with room(database, person, [tools(call("list_tasks", "{}"), text="So", finish_reason="length")]) as at:
        reply = await at.ask(ignore)
    assert (reply.cut, reply.calls, reply.text) == (True, (), "So")


@pytest.mark.parametrize(
    ("reply", "limits"),
    [
        pytest.param(NOON.stall_after(0), SHORT_FIRST, id="headers, then nothing"),
        pytest.param(NOON.stall_after(3), SHORT_GAP, id="some words, then nothing"),
        pytest.param(NOON.gated(Gate()), SHORT_FIRST, id="nothing at all"),
        pytest.param(NOON.stall_after(3), SHORT_CALL, id="longer than a call may take"),
    ],
)
async def test_a_model_that_stalls_is_left(database: Database, person: Person, reply: Reply, limits: Limits) -> None:
    """Silence before the first word, between two, or too long in all ends the call as a timeout."""
    async with room(database, person, [reply]) as at:
        with pytest.raises(ModelFailure) as failure:
            await at.ask(ignore, limits=limits)
        assert not await asyncio.wrap_future(at.model.requests[0].delivered)
        (spent,) = await at.spent()
    assert (failure.value.code, failure.value.retryable) == ("model_timeout", True)
    assert spent.outcome == "failed"


async def test_a_whole_answer_is_bounded_too(database: Database, person: Person) -> None:
    """An executor's call, which is not streamed, may take no longer either."""
    async with room(database, person, [NOON.gated(Gate())]) as at:
        with pytest.raises(ModelFailure) as failure:
            await at.ask(limits=SHORT_CALL)
    assert failure.value.code == "model_timeout"


# Trying again


@pytest.mark.parametrize(
    "passing",
    [
        pytest.param(status(429), id="too many requests"),
        pytest.param(status(500), id="server error"),
        pytest.param(status(503), id="overloaded"),
        pytest.param(error_in_200(), id="an error sent as if all were well"),
        pytest.param(NOON.disconnect_after(0), id="the connection breaks at once"),
        pytest.param(NOON.disconnect_after(1), id="the connection breaks half-way"),
        pytest.param(raw_events(done=False), id="an empty stream"),
    ],
)
async def test_what_may_pass_is_tried_again(database: Database, person: Person, passing: Reply) -> None:
    """A passing failure is tried three times in all; the third answer is the answer."""
    async with room(database, person, [passing, passing, NOON]) as at:
        assert (await at.ask()).text == "It is noon."
        outcomes = [row.outcome for row in await at.spent()]
    assert outcomes == ["failed", "failed", "answered"]
    assert len(at.paused) == 2
    assert 0.3 < at.paused[0] < 0.7 < at.paused[1] < 2.6


async def test_three_tries_are_all(database: Database, person: Person) -> None:
    """A model that stays in trouble is given up after the third try, with its own reason."""
    async with room(database, person, rules(when(status(503)))) as at:
        assert (await failure_of(at)).code == "model_unavailable"
    assert len(at.model.requests) == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
async def test_what_cannot_help_is_never_tried_again(database: Database, person: Person, code: int) -> None:
    """A refusal would be refused again: the model is asked once."""
    async with room(database, person, [status(code)]) as at:
        assert not (await failure_of(at)).retryable
    assert (len(at.model.requests), at.paused) == (1, [])


async def test_after_text_was_shown_nothing_is_asked_again(database: Database, person: Person) -> None:
    """Half an answer on the screen cannot be taken back: no second one is put behind it, by no model."""
    script = [NOON.disconnect_after(3), NOON]
    async with room(database, person, script, fallbacks=("spare",)) as at:
        told: list[str] = []

        async def tell(piece: str) -> None:
            told.append(piece)

        with pytest.raises(ModelFailure):
            await at.ask(tell)
        (spent,) = await at.spent()
    assert told
    assert len(at.model.requests) == 1
    assert (spent.outcome, spent.estimated) == ("failed", True)
    assert spent.completion_tokens, "what was streamed was paid for"


async def test_before_text_was_shown_a_broken_stream_is_tried_again(database: Database, person: Person) -> None:
    """A stream that breaks before its first word showed nothing, so it may start again."""
    async with room(database, person, [NOON.disconnect_after(1), NOON]) as at:
        assert (await at.ask(ignore)).text == "It is noon."


@pytest.mark.parametrize(
    ("asked_for", "waited"),
    [
        pytest.param("2", 2.0, id="seconds"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param("30", 30.0, id="as long as we ever wait"),
    ],
)
async def test_the_provider_says_how_long_to_wait(
    database: Database, person: Person, asked_for: str, waited: float
) -> None:
    """Retry-After is what is waited, neither more nor less."""
    async with room(database, person, [status(429, retry_after=asked_for), NOON]) as at:
        await at.ask()
    assert at.paused == [waited]


async def test_a_long_wait_is_passed_over_for_the_next_model(database: Database, person: Person) -> None:
    """A provider that asks for more than we wait is not waited for: the fallback is asked at once."""
    long = str(int(LONGEST_WAIT_SECONDS) + 1)
    script = rules(when(status(429, retry_after=long), model="deep"), when(NOON, model="spare"))
    async with room(database, person, script, fallbacks=("spare",)) as at:
        assert (await at.ask()).model == "spare"
    assert at.paused == []
    assert [request.model for request in at.model.requests] == ["deep", "spare"]


async def test_fallbacks_are_asked_in_order(database: Database, person: Person) -> None:
    """The models are asked in the order they were named, each with tries of its own."""
    script = rules(when(status(401), model="deep"), when(status(503), model="second"), when(NOON, model="third"))
    async with room(database, person, script, fallbacks=("second", "third")) as at:
        assert (await at.ask()).model == "third"
    assert [request.model for request in at.model.requests] == ["deep", "second", "second", "second", "third"]


async def test_the_last_reason_is_the_reason(database: Database, person: Person) -> None:
    """When every model failed, the last one's reason is told."""
    script = rules(when(status(503), model="deep"), when(status(401), model="spare"))
    async with room(database, person, script, fallbacks=("spare",)) as at:
        assert (await failure_of(at)).code == "model_misconfigured"


# The account of it


async def test_a_call_is_reserved_before_and_settled_after(database: Database, person: Person) -> None:
    """The row stands, unsettled, while the model is at work; then it holds the provider's count."""
    gate = Gate()
    async with room(database, person, [NOON.gated(gate)]) as at:
        asking = asyncio.create_task(at.ask())
        await gate.reached()
        (reserved,) = await at.spent()
        gate.open()
        await asking
        (settled,) = await at.spent()
    assert (reserved.outcome, reserved.prompt_tokens) == (None, None)
    assert reserved.reserved_tokens > PATIENT.answer_tokens
    counted = at.model.usage
    assert (settled.prompt_tokens, settled.completion_tokens) == (counted.prompt, counted.completion)
    assert (settled.outcome, settled.estimated, settled.purpose) == ("answered", False, "decide")
    assert (settled.model, settled.agent_id) == ("deep", at.planner_id)


async def test_a_cancelled_call_is_settled_as_cancelled(database: Database, person: Person) -> None:
    """Stopping the run stops the call; the prompt and what was streamed are counted."""
    gate, began = Gate(), asyncio.Event()

    async def tell(_piece: str) -> None:
        began.set()

    async with room(database, person, [NOON.gated(gate, after=3)]) as at:
        asking = asyncio.create_task(at.ask(tell))
        await began.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not await asyncio.wrap_future(at.model.requests[0].delivered)
        (spent,) = await at.spent()
    assert (spent.outcome, spent.estimated) == ("cancelled", True)
    assert spent.prompt_tokens
    assert spent.completion_tokens


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(None, id="no usage"),
        pytest.param({"prompt_tokens": -5, "completion_tokens": 3, "total_tokens": -2}, id="negative"),
        pytest.param({"prompt_tokens": BELIEVED + 1, "completion_tokens": 3, "total_tokens": 3}, id="absurd"),
        pytest.param({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, id="nothing at all"),
        pytest.param({"prompt_tokens": "many", "completion_tokens": 1}, id="words"),
    ],
)
async def test_usage_that_cannot_be_is_counted_here(database: Database, person: Person, told: JsonValue) -> None:
    """Without a believable count our own stands in the row, and says that it is ours."""
    async with room(database, person, [text("It is noon.", usage=told)]) as at:
        reply = await at.ask()
        (spent,) = await at.spent()
    assert spent.estimated
    assert reply.usage is not None
    assert (spent.prompt_tokens, spent.completion_tokens) == (reply.usage.prompt_tokens, 3)
    assert 0 < reply.usage.prompt_tokens < 100


async def test_the_budget_of_model_calls_is_kept(database: Database, person: Person) -> None:
    """Tries count too; the call beyond the budget is never made."""
    async with room(database, person, rules(when(status(503)))) as at:
        with pytest.raises(CallsSpent):
            await at.ask(limits=replace(PATIENT, model_calls=2))
        assert len(await at.spent()) == 2
    assert len(at.model.requests) == 2


async def test_calls_side_by_side_share_one_budget(database: Database, person: Person) -> None:
    """Eight executors at once cannot make more calls than the run may."""
    async with room(database, person, rules(when(NOON))) as at:
        limits = replace(PATIENT, model_calls=3)
        ended = await asyncio.gather(*(at.ask(limits=limits) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, CallsSpent) for each in ended) == 5
    assert len(at.model.requests) == 3
