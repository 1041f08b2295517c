"""Real chat models, over real HTTP, against a provider that follows a script."""

import asyncio
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import replace
from time import process_time
from typing import Final

import pytest
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import JsonValue

from graph.compatible import model_connection
from graph.compatible.incoming_calls import MAX_CALLS
from graph.models import ModelProfile, ModelProfileInvalid, chat_models
from nodes.vocabulary.model_failure import ModelFailure
from tests.graph.talking import KEY, QUESTION, Ask, answer_to, models_of, profile, streamed, whole
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Call, Reply, call, error_in_200, raw_body, raw_events, status, text, tools
from tests.scripted_model.script import rules, when
from tests.scripted_model.server import ScriptedModel

IMPATIENCE_SECONDS: Final = 0.2
CLOSED_PORT: Final = "http://127.0.0.1:9/v1"

ASKING: Final = pytest.mark.parametrize("ask", [pytest.param(whole, id="whole"), pytest.param(streamed, id="streamed")])


def raw_calls(message: AIMessage) -> list[tuple[str | None, str | None, str]]:
    """Return the calls as the model wrote them."""
    calls: list[dict[str, str]] = message.additional_kwargs.get("raw_tool_calls", [])
    return [(each["id"], each["name"], each["arguments"]) for each in calls]


# What is sent


@ASKING
async def test_a_request_holds_what_the_profile_says_and_nothing_providers_refuse(ask: Ask) -> None:
    """Name, key, temperature and extra fields are sent; no tool is forced and the standard's rarities stay out."""
    with ScriptedModel([text("Two.")], api_key=KEY) as server:
        thinking: dict[str, JsonValue] = {"thinking": {"type": "disabled"}}
        async with models_of(replace(profile(server.base_url), temperature=0.2, extra_body=thinking)) as models:
            await ask(models[0], QUESTION)
    sent = server.requests[0].json
    streaming: set[str] = {"stream_options"} if ask is streamed else set()
    assert set(sent) == {"model", "messages", "stream", "temperature", "thinking"} | streaming
    assert (sent["model"], sent["temperature"], sent["thinking"]) == ("deep", 0.2, {"type": "disabled"})
    assert sent["messages"] == [{"role": "user", "content": "What is overdue?"}]
    assert sent["stream"] is (ask is streamed)


async def test_fallbacks_stand_behind_the_model_in_order() -> None:
    """Each name of a profile becomes one model at the same provider."""
    with ScriptedModel([text("a"), text("b"), text("c")]) as server:
        async with models_of(replace(profile(server.base_url), fallbacks=("shallow", "tiny"))) as models:
            answers = [await whole(model, QUESTION) for model in models]
    assert [request.model for request in server.requests] == ["deep", "shallow", "tiny"]
    assert [answer.response_metadata["model_name"] for answer in answers] == ["deep", "shallow", "tiny"]


@ASKING
async def test_a_server_without_keys_gets_no_key(ask: Ask) -> None:
    """An empty key sends no Authorization header, whatever the environment holds."""
    with ScriptedModel([text("Two.")]) as server:
        async with models_of(replace(profile(server.base_url), api_key="")) as models:
            await ask(models[0], QUESTION)
    assert "authorization" not in server.requests[0].headers


@ASKING
async def test_text_that_cannot_be_sent_harms_nothing(ask: Ask) -> None:
    """A lone surrogate in a message is replaced on the way out."""
    with ScriptedModel([text("Two.")]) as server:
        async with models_of(profile(server.base_url)) as models:
            await ask(models[0], [HumanMessage("half an emoji: \ud83d")])
    assert server.requests[0].last_text == "half an emoji: ?"


# What comes back


@ASKING
async def test_an_answer_arrives_with_its_end_its_model_and_its_cost(ask: Ask) -> None:
    """Text, finish reason, model name and the provider's own token counts are kept."""
    with ScriptedModel([text("Two tasks are überfällig 🗓.", deltas=7)]) as server:
        async with models_of(profile(server.base_url)) as models:
            answer = await ask(models[0], QUESTION)
    assert answer.content == "Two tasks are überfällig 🗓."
    assert answer.response_metadata == {"finish_reason": "stop", "model_name": "deep"}
    assert answer.usage_metadata is not None
    counted = (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"])
    assert counted == (server.usage.prompt, server.usage.completion)


@pytest.mark.parametrize("slice_bytes", [1, 2, 5, 64])
@ASKING
async def test_an_answer_cut_anywhere_on_the_wire_is_the_same(ask: Ask, slice_bytes: int) -> None:
    """Packets may end inside a line, a number or a character."""
    reply = tools(call("list_tasks", {"query": "Überfällig 🗓"}), text="Ich sehe nach. 🗓")
    answer = await answer_to(reply.sliced(slice_bytes), ask)
    assert answer.content == "Ich sehe nach. 🗓"
    assert raw_calls(answer) == [("call_0", "list_tasks", '{"query": "Überfällig 🗓"}')]


async def test_the_first_words_arrive_before_the_last_are_written() -> None:
    """A stream is handed on as it comes."""
    gate = Gate()
    with ScriptedModel([text("one two", deltas=2).gated(gate, after=2)]) as server:
        async with models_of(profile(server.base_url)) as models:
            seen = ""
            async for chunk in models[0].astream(list(QUESTION)):
                seen += chunk.text
                if seen == "one ":
                    gate.open()
    assert seen == "one two"


@ASKING
@pytest.mark.parametrize("piece_chars", [1, 3, 1000])
async def test_tool_calls_arrive_as_written(ask: Ask, piece_chars: int) -> None:
    """Several calls, however they are cut, keep order, ids, names and the exact argument text."""
    first = call("list_tasks", '{"limit":  5, "status": ["blocked"]}', piece_chars=piece_chars)
    second = call("search_notes", {"query": "Größe"}, piece_chars=piece_chars)
    answer = await answer_to(tools(first, second, text="Let me look."), ask)
    assert answer.content == "Let me look."
    assert raw_calls(answer) == [
        ("call_0", "list_tasks", '{"limit":  5, "status": ["blocked"]}'),
        ("call_1", "search_notes", '{"query": "Größe"}'),
    ]
    assert [each["args"] for each in answer.tool_calls] == [{"limit": 5, "status": ["blocked"]}, {"query": "Größe"}]
    assert answer.response_metadata["finish_reason"] == "tool_calls"


@ASKING
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("", id="nothing"),
        pytest.param("null", id="null"),
        pytest.param("[1]", id="a list"),
        pytest.param("12", id="a number"),
        pytest.param('"text"', id="a text"),
        pytest.param('{"amount": 10', id="cut off"),
        pytest.param('{"amount": 10}}', id="one brace too many"),
        pytest.param('{"amount": NaN}', id="not a number"),
        pytest.param('{"amount": 1, "amount": 1000}', id="a name twice"),
        pytest.param('{"a":' * 600 + "1" + "}" * 600, id="nested 600 deep"),
        pytest.param("[" * 100_000, id="nested 100,000 deep"),
    ],
)
async def test_broken_arguments_raise_nothing_and_stay_broken(ask: Ask, arguments: str) -> None:
    """Arguments that are no object reach the caller as text; a whole answer lists them as invalid, never as `{}`."""
    answer = await answer_to(tools(call("update_task", arguments, piece_chars=1000)), ask)
    assert raw_calls(answer) == [("call_0", "update_task", arguments)]
    if ask is whole:
        assert answer.tool_calls == []
        assert [broken["args"] for broken in answer.invalid_tool_calls] == [arguments]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("{" * 50_000, id="braces"),
        pytest.param("abc " * 12_000, id="words"),
        pytest.param("[" + "1," * 10_000 + "x" * 20_000, id="half a list"),
    ],
)
async def test_long_arguments_that_are_no_json_do_not_stop_the_clock(arguments: str) -> None:
    """However much of it comes at once, what cannot be read costs what it takes to look at it once."""
    began = process_time()
    answer = await answer_to(tools(call("update_task", arguments, piece_chars=len(arguments))), streamed)
    assert raw_calls(answer) == [("call_0", "update_task", arguments)]
    assert process_time() - began < 5, "the library's own reading took 26 s"


async def test_calls_without_end_are_not_all_kept() -> None:
    """Of ever new calls the first thousand are kept, and reading on costs nothing more."""
    pieces = [part("{}", id=f"{number}", name="list_tasks") for number in range(3 * MAX_CALLS)]
    began = process_time()
    answer = await answer_to(parts(*pieces), streamed)
    assert len(raw_calls(answer)) == MAX_CALLS
    assert process_time() - began < 10


def parts(*pieces: JsonValue) -> Reply:
    """Stream these pieces of tool calls, one an event."""
    events: list[JsonValue] = [{"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]} for piece in pieces]
    return raw_events(*events, {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})


def part(arguments: JsonValue, **fields: JsonValue) -> dict[str, JsonValue]:
    """Return one piece of a call; `name` stands inside `function`."""
    named: dict[str, JsonValue] = {"name": fields.pop("name")} if "name" in fields else {}
    return {**fields, "function": {**named, "arguments": arguments}}


@pytest.mark.parametrize(
    ("reply", "calls"),
    [
        pytest.param(
            parts(part('{"x":1}', index=0, id="1", name="a"), part('{"y":2}', index=0, id="2", name="b")),
            [("1", "a", '{"x":1}'), ("2", "b", '{"y":2}')],
            id="one index for two calls",
        ),
        pytest.param(
            parts(part('{"x":1}', index=0, id="1", name="a"), part('{"x":2}', index=0, id="1", name="a")),
            [("1", "a", '{"x":1}'), ("1", "a", '{"x":2}')],
            id="one index, id and name for two calls",
        ),
        pytest.param(
            parts(part('{"x":1}', index=0, id="1", name="a"), part('{"y":2}', index=1, id="1", name="b")),
            [("1", "a", '{"x":1}'), ("1", "b", '{"y":2}')],
            id="one id for two calls",
        ),
        pytest.param(
            parts(part('{"x"', id="1", name="a"), part(":1}"), part("{}", id="2", name="b")),
            [("1", "a", '{"x":1}'), ("2", "b", "{}")],
            id="no index at all",
        ),
        pytest.param(
            parts(part('{"x"', index=0, id="1", name="a"), part(":1}", index=0, id="1", name="a")),
            [("1", "a", '{"x":1}')],
            id="id and name in every piece",
        ),
        pytest.param(
            parts(part(None, index=0, id=None, name=None), part("{}", index=0, id="1", name="a")),
            [("1", "a", "{}")],
            id="id and name in the second piece",
        ),
        pytest.param(
            parts(part('{"x"', index=0, id="1", name="a"), part("{}", index=1, id="2", name="b"), part(":1}", index=0)),
            [("1", "a", '{"x":1}'), ("2", "b", "{}")],
            id="two calls woven into each other",
        ),
        pytest.param(
            parts(part({"x": 1}, index=0, id="1", name="a")), [("1", "a", '{"x": 1}')], id="arguments as an object"
        ),
        pytest.param(
            parts(7, {"index": 0, "function": None}, part("{}", index=0, name="a")),
            [(None, "a", "{}")],
            id="pieces that are none",
        ),
    ],
)
async def test_pieces_find_their_call(reply: Reply, calls: list[tuple[str, str, str]]) -> None:
    """Whatever a provider does to index, id and name, each call comes out once, in order, complete."""
    answer = await answer_to(reply, streamed)
    assert raw_calls(answer) == calls
    assert [(each["id"], each["name"], each["args"]) for each in answer.tool_calls] == [
        (identity, name, json.loads(arguments)) for identity, name, arguments in calls
    ]


@ASKING
async def test_calls_without_id_or_name_are_kept(ask: Ask) -> None:
    """A null id, a null name and an id used twice are passed on as they are: the caller numbers calls anew."""
    calls = (Call("a", "{}", None, 0), Call(None, "{}", "x", 1), Call("b", "{}", "x", 2))
    answer = await answer_to(Reply(calls=calls), ask)
    assert raw_calls(answer) == [(None, "a", "{}"), ("x", None, "{}"), ("x", "b", "{}")]


@ASKING
async def test_thinking_and_refusals_never_become_text(ask: Ask) -> None:
    """What a model thinks and why it refuses stand beside the content."""
    thinking = await answer_to(text("Two.", reasoning="Let me count them.", deltas=3), ask)
    assert (thinking.content, thinking.additional_kwargs) == ("Two.", {"reasoning_content": "Let me count them."})
    refusing = await answer_to(text(None, refusal="I cannot help with that.", deltas=2), ask)
    assert (refusing.content, refusing.additional_kwargs) == ("", {"refusal": "I cannot help with that."})


@ASKING
@pytest.mark.parametrize("thinking", ["I need the list.", ""])
async def test_thinking_goes_back_with_the_tool_calls_it_led_to(ask: Ask, thinking: str) -> None:
    """In a tool loop the thinking is sent again, even when empty: DeepSeek answers 400 otherwise."""
    calling = tools(call("list_tasks", {}), reasoning=thinking)
    with ScriptedModel([calling, text("Two.", reasoning="Done.")]) as server:
        async with models_of(profile(server.base_url)) as models:
            asked = await ask(models[0], QUESTION)
            told = ToolMessage("2 tasks", tool_call_id="call_0")
            answer = await ask(models[0], [*QUESTION, asked, told])
    _, sent, _ = server.requests[1].messages
    assert sent["reasoning_content"] == thinking
    assert (answer.content, answer.additional_kwargs["reasoning_content"]) == ("Two.", "Done.")


@ASKING
async def test_thinking_without_tool_calls_stays_here(ask: Ask) -> None:
    """A plain answer is sent back without its thinking."""
    with ScriptedModel([text("Two.", reasoning="Count."), text("Three.")]) as server:
        async with models_of(profile(server.base_url)) as models:
            first = await ask(models[0], QUESTION)
            await ask(models[0], [*QUESTION, first, HumanMessage("Sure?")])
    assert server.requests[1].messages[1] == {"role": "assistant", "content": "Two."}


@ASKING
@pytest.mark.parametrize("reason", ["length", "content_filter", None])
async def test_why_an_answer_ended_is_kept(ask: Ask, reason: str | None) -> None:
    """The finish reason is passed on; a provider that gives none but ends properly is believed."""
    answer = await answer_to(text("Two", finish_reason=reason), ask)
    assert (answer.content, answer.response_metadata["finish_reason"]) == ("Two", reason)


@ASKING
async def test_text_that_cannot_be_stored_is_replaced(ask: Ask) -> None:
    """NUL and lone surrogates in an answer become U+FFFD before anyone stores them."""
    reply = tools(call("search\x00notes", '{"query": "\ud83d"}'), text="a\x00b\ud83dc", reasoning="\udfff")
    answer = await answer_to(reply, ask)
    assert (answer.content, answer.additional_kwargs["reasoning_content"]) == ("a\ufffdb\ufffdc", "\ufffd")
    assert raw_calls(answer) == [("call_0", "search\ufffdnotes", '{"query": "\ufffd"}')]


# Usage


@ASKING
@pytest.mark.parametrize(
    "details",
    [
        pytest.param({"prompt_tokens_details": {"cached_tokens": 80}}, id="nested"),
        pytest.param({"prompt_cache_hit_tokens": 80, "prompt_cache_miss_tokens": 20}, id="as DeepSeek tells it"),
    ],
)
async def test_cached_tokens_are_counted(ask: Ask, details: Mapping[str, JsonValue]) -> None:
    """Both ways to report a cached prompt are read, and thinking is part of the completion."""
    thought: JsonValue = {"reasoning_tokens": 7}
    usage: JsonValue = {
        "prompt_tokens": 100, "completion_tokens": 10, "completion_tokens_details": thought, **details
    }  # fmt: skip
    answer = await answer_to(text("Two.", usage=usage), ask)
    assert answer.usage_metadata == {
        "input_tokens": 100,
        "output_tokens": 10,
        "total_tokens": 110,
        "input_token_details": {"cache_read": 80},
        "output_token_details": {"reasoning": 7},
    }


@ASKING
@pytest.mark.parametrize(
    "usage",
    [
        pytest.param(None, id="none"),
        pytest.param("many", id="a text"),
        pytest.param([], id="a list"),
        pytest.param({}, id="empty"),
        pytest.param({"prompt_tokens": None, "completion_tokens": None}, id="nulls"),
        pytest.param({"prompt_tokens": "12", "completion_tokens": 3}, id="a number as text"),
        pytest.param({"prompt_tokens": -5, "completion_tokens": 3}, id="negative"),
        pytest.param({"prompt_tokens": 10**12, "completion_tokens": 3}, id="a million million"),
        pytest.param({"prompt_tokens": 1.5, "completion_tokens": 3}, id="a fraction"),
        pytest.param({"prompt_tokens": True, "completion_tokens": 3}, id="true"),
    ],
)
async def test_usage_that_cannot_be_true_is_no_usage(ask: Ask, usage: JsonValue) -> None:
    """Absurd token counts raise nothing and are not passed on, so that the caller counts itself."""
    answer = await answer_to(text("Two.", usage=usage), ask)
    assert (answer.content, answer.usage_metadata) == ("Two.", None)


async def test_usage_sent_with_every_piece_is_not_added_up() -> None:
    """The last count of a stream is the whole count."""
    pieces: list[JsonValue] = [
        {
            "choices": [{"delta": {"content": word}, "finish_reason": reason}],
            "usage": {"prompt_tokens": 9, "completion_tokens": n},
        }
        for n, (word, reason) in enumerate([("one ", None), ("two", "stop")], 1)
    ]
    answer = await answer_to(raw_events(*pieces), streamed)
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (9, 2)


# Answers in odd shapes

HELLO: Final[JsonValue] = {"choices": [{"delta": {"content": "Hello"}}]}
NONE: Final[JsonValue] = {"choices": []}
STOP: Final[JsonValue] = {"choices": [{"delta": None, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([NONE, HELLO, STOP], id="an empty first event"),
        pytest.param([HELLO, STOP, {"choices": None, "usage": None}], id="null choices at the end"),
        pytest.param([{"id": "x"}, HELLO, {}, STOP], id="events without choices"),
        pytest.param([HELLO, {"choices": [None]}, {"choices": "?"}, STOP], id="choices that are none"),
        pytest.param([HELLO], id="no reason to stop, but an end"),
    ],
)
async def test_odd_events_are_passed_over(events: list[JsonValue]) -> None:
    """What providers and gateways mix into a stream does not hurt the answer."""
    assert (await answer_to(raw_events(*events), streamed)).content == "Hello"


async def test_an_answer_in_one_piece_to_a_request_for_a_stream_is_read() -> None:
    """Some servers do not stream; their answer counts."""
    body: JsonValue = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
    assert (await answer_to(raw_body(body), streamed)).content == "Hello"


@ASKING
async def test_content_in_parts_is_joined(ask: Ask) -> None:
    """Content may be a list of parts; what is not text in it is left out."""
    thought: JsonValue = {"type": "thinking", "thinking": []}
    content: JsonValue = [thought, {"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    body: JsonValue = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    assert (await answer_to(raw_body(body), ask)).content == "Hello"


@ASKING
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(raw_body({"choices": None}), id="null choices"),
        pytest.param(raw_body({"choices": []}), id="no choices"),
        pytest.param(raw_body({"choices": [{"message": None}]}), id="no message"),
        pytest.param(raw_body({}), id="an empty object"),
        pytest.param(raw_body([1]), id="a list"),
        pytest.param(raw_body(b""), id="nothing"),
        pytest.param(raw_body(b"<html>Bad gateway</html>"), id="a web page"),
        pytest.param(raw_body(b'{"choices": [{"message"'), id="half an answer"),
        pytest.param(raw_body(b'{"choices":' + b"[" * 100_000), id="nested without end"),
        pytest.param(error_in_200(), id="an error sent as success"),
    ],
)
async def test_what_holds_no_answer_is_an_error(ask: Ask, reply: Reply) -> None:
    """A body with status 200 that holds no answer is a failure, never an empty answer."""
    with pytest.raises(ModelFailure) as failed:
        await answer_to(reply, ask)
    assert (failed.value.code, failed.value.retryable) == ("model_unavailable", True)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(raw_events(), id="an end at once"),
        pytest.param(raw_events({"choices": []}), id="no choices ever"),
        pytest.param(text("one two", deltas=2).end_after(2), id="an end in the middle"),
        pytest.param(raw_events(HELLO, {"error": {"message": "overloaded"}}), id="an error in the middle"),
        pytest.param(raw_events(HELLO, 7, STOP), id="an event that is a number"),
    ],
)
async def test_a_stream_that_ends_before_its_answer_is_an_error(reply: Reply) -> None:
    """Half an answer is not taken for a whole one."""
    with pytest.raises(ModelFailure) as failed:
        await answer_to(reply, streamed)
    assert (failed.value.code, failed.value.retryable) == ("model_unavailable", True)


@pytest.mark.parametrize("failure", [b'{"error": {"message": "overloaded"}}', b'{"choices": ['])
async def test_words_before_a_failure_are_heard_also_when_both_come_in_one_packet(failure: bytes) -> None:
    """Whether an answer has begun does not hang on how its bytes were cut."""
    packet = b"data: " + json.dumps(HELLO).encode() + b"\n\ndata: " + failure + b"\n\n"
    with ScriptedModel([raw_body(packet)]) as server:
        async with models_of(profile(server.base_url)) as models:
            chunks = models[0].astream(list(QUESTION))
            assert (await anext(chunks)).text == "Hello"
            with pytest.raises(ModelFailure):
                await anext(chunks)


async def test_an_answer_that_lost_only_its_usage_stands() -> None:
    """When the connection breaks after the finish reason, the answer is whole and its cost unknown."""
    answer = await answer_to(text("Two.").disconnect_after(3), streamed)
    assert (answer.content, answer.usage_metadata) == ("Two.", None)


@ASKING
async def test_an_endless_answer_is_stopped(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body beyond the limit is refused instead of filling memory."""
    monkeypatch.setattr(model_connection, "MAX_ANSWER_BYTES", 10_000)
    with pytest.raises(ModelFailure, match="without end"):
        await answer_to(text("x" * 20_000, deltas=40), ask)


# Failures


@ASKING
@pytest.mark.parametrize(
    ("code", "told", "retryable"),
    [
        (429, "model_rate_limited", True),
        (500, "model_unavailable", True),
        (502, "model_unavailable", True),
        (503, "model_unavailable", True),
        (504, "model_timeout", True),
        (408, "model_timeout", True),
        (400, "model_refused", False),
        (413, "model_refused", False),
        (422, "model_refused", False),
        (401, "model_misconfigured", False),
        (402, "model_misconfigured", False),
        (403, "model_misconfigured", False),
        (404, "model_misconfigured", False),
        (307, "model_misconfigured", False),
    ],
)
async def test_a_status_says_whether_to_try_again(ask: Ask, code: int, told: str, *, retryable: bool) -> None:
    """429, 5xx and timeouts may pass; what was refused would be refused again. The client itself asks once."""
    with ScriptedModel([status(code)]) as server:
        async with models_of(profile(server.base_url)) as models:
            with pytest.raises(ModelFailure) as failed:
                await ask(models[0], QUESTION)
    assert (failed.value.code, failed.value.retryable) == (told, retryable)
    assert len(server.requests) == 1


@ASKING
async def test_the_wait_a_provider_asks_for_is_passed_on(ask: Ask) -> None:
    """Retry-After of a 429 and a 503 reaches whoever retries."""
    for code in (429, 503):
        with pytest.raises(ModelFailure) as failed:
            await answer_to(status(code, retry_after="2"), ask)
        assert failed.value.retry_after_seconds == 2.0


@ASKING
@pytest.mark.parametrize(
    ("code", "told", "retryable"),
    [
        (429, "model_rate_limited", True),
        ("rate_limit_exceeded", "model_rate_limited", True),
        (401, "model_misconfigured", False),
        (None, "model_unavailable", True),
    ],
)
async def test_a_status_inside_a_body_counts_like_one_outside(
    ask: Ask, code: JsonValue, told: str, *, retryable: bool
) -> None:
    """Gateways send 200 and put what happened into the error object."""
    with pytest.raises(ModelFailure) as failed:
        await answer_to(error_in_200(code=code), ask)
    assert (failed.value.code, failed.value.retryable) == (told, retryable)


@ASKING
async def test_a_closed_door_may_open(ask: Ask) -> None:
    """A refused connection is retryable."""
    async with models_of(profile(CLOSED_PORT)) as models:
        with pytest.raises(ModelFailure) as failed:
            await ask(models[0], QUESTION)
    assert (failed.value.code, failed.value.retryable) == ("model_unavailable", True)


@ASKING
@pytest.mark.parametrize("events", [0, 1])
async def test_a_broken_connection_may_hold_next_time(ask: Ask, events: int) -> None:
    """A connection that breaks before the headers or in the middle is a retryable failure."""
    with pytest.raises(ModelFailure) as failed:
        await answer_to(text("one two", deltas=2).disconnect_after(events), ask)
    assert (failed.value.code, failed.value.retryable) == ("model_unavailable", True)


@ASKING
@pytest.mark.parametrize("events", [0, 1])
async def test_a_silent_provider_is_left_in_time(ask: Ask, events: int) -> None:
    """The time limit of a call covers headers and body, and the connection is closed when it strikes."""
    with ScriptedModel([text("one two", deltas=2).stall_after(events)]) as server:
        async with models_of(replace(profile(server.base_url), total_seconds=IMPATIENCE_SECONDS)) as models:
            with pytest.raises(ModelFailure) as failed:
                await ask(models[0], QUESTION)
            assert await asyncio.wrap_future(server.requests[0].delivered) is False
    assert (failed.value.code, failed.value.retryable) == ("model_timeout", True)


@ASKING
async def test_a_cancelled_call_hangs_up(ask: Ask) -> None:
    """Cancelling the task closes the connection: the provider stops writing, and stops charging."""
    gate = Gate()
    with ScriptedModel([text("never").gated(gate)]) as server:
        async with models_of(profile(server.base_url)) as models:
            asking = asyncio.ensure_future(ask(models[0], QUESTION))
            await gate.reached()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert await asyncio.wrap_future(server.requests[0].delivered) is False


@ASKING
async def test_a_failure_tells_no_secret(ask: Ask) -> None:
    """Neither the text of a failure nor its printed trace holds the key, the address or the provider's words."""
    with ScriptedModel([status(400, message=f"canary-words {KEY}"), error_in_200(f"canary-words {KEY}")]) as server:
        async with models_of(profile(server.base_url)) as models:
            for _ in range(2):
                with pytest.raises(ModelFailure) as failed:
                    await ask(models[0], QUESTION)
                printed = "".join(traceback.format_exception(failed.value)) + repr(failed.value)
                assert KEY not in printed
                assert "canary-words" not in printed
                assert server.base_url not in printed


async def test_a_model_shows_no_key() -> None:
    """Printing or serialising a profile or a model, as tracing does, never shows the key."""
    described = profile(CLOSED_PORT)
    model = chat_models(described)[0]
    assert KEY not in repr(described) + repr(model) + str(model) + dumps(model)


# Many at once


async def test_calls_side_by_side_get_their_own_answers() -> None:
    """One pool of connections serves many calls at once, and every token is counted once."""
    script = rules(*(when(text(f"answer {n}", deltas=5), says=f"<{n}>") for n in range(24)))
    with ScriptedModel(script) as server:
        async with models_of(profile(server.base_url)) as models:
            asked = ((streamed if n % 2 else whole)(models[0], [HumanMessage(f"question <{n}>")]) for n in range(24))
            answers = await asyncio.gather(*asked)
    assert [answer.content for answer in answers] == [f"answer {n}" for n in range(24)]
    used = [answer.usage_metadata for answer in answers if answer.usage_metadata is not None]
    assert sum(usage["total_tokens"] for usage in used) == server.usage.total


# Setting up


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"base_url": "api.example.org/v1"}, id="no scheme"),
        pytest.param({"base_url": "ftp://api.example.org"}, id="a wrong scheme"),
        pytest.param({"base_url": "https://"}, id="no host"),
        pytest.param({"name": " "}, id="no name"),
        pytest.param({"api_key": f"{KEY}\n"}, id="a line break after the key"),
        pytest.param({"api_key": f"{KEY}ä"}, id="a letter no header takes"),
    ],
)
def test_a_profile_that_cannot_work_is_refused_at_once(broken: dict[str, str]) -> None:
    """A mistake in the settings is told where it was made, without showing the key."""
    fields = {"name": "deep", "base_url": CLOSED_PORT, "api_key": KEY, **broken}
    with pytest.raises(ModelProfileInvalid) as refusal:
        ModelProfile(name=fields["name"], base_url=fields["base_url"], api_key=fields["api_key"])
    assert KEY not in str(refusal.value)


async def test_a_blocking_call_is_refused() -> None:
    """The models are asynchronous; a blocking call says so and never stops the event loop."""
    with pytest.raises(NotImplementedError, match="ainvoke"):
        chat_models(profile(CLOSED_PORT))[0].invoke("hello")


def test_the_vendor_library_is_loaded_only_for_a_real_model() -> None:
    """Importing `graph.models` does not import langchain_openai, which takes about a second."""
    program = "import sys, graph.models; print('langchain_openai' in sys.modules, 'openai' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert ran.stdout.split() == ["False", "False"]
