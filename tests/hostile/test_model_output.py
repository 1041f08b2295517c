"""What a model can say, not say, or do to the connection: the catalogue's table “Model output hazards”.

Each row is a run through the whole program. It ends by exactly one terminal event with the code of its row, the
session is listed, opens and replays as it was streamed, and the next message is answered.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final
from uuid import UUID

import pytest
from pydantic import JsonValue

from graph.models import ModelProfile
from nodes.asking.answer_stream import CUT_OFF
from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from persistence.scope import Role
from server.trace import Trace, trace_of
from tests.hostile.house import BRISK, House, Played, Tally
from tests.scripted_model.replies import (
    Call,
    Reply,
    call,
    error_in_200,
    raw_body,
    raw_events,
    status,
    text,
    tools,
)
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script, rules, when
from tests.turns import plan, step, submit
from tools.arguments import MAX_ARGUMENT_CHARS

pytestmark = [pytest.mark.figure, pytest.mark.xdist_group("hostile model output")]

NOON: Final = "It is noon."
ANSWER: Final = text(NOON, deltas=4)
STALLING: Final = replace(BRISK, first_token_seconds=0.5, token_gap_seconds=0.5, call_seconds=1.5)
TWICE: Final = replace(BRISK, call_attempts=2)
WATER: Final = {"title": "Water the plants"}
NESTED: Final = '{"a":' * 300 + "1" + "}" * 300
TEN_MEGABYTES: Final = "word " * 2_000_000
WALL_GRACE_SECONDS: Final = 5.0


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Give the count of this table, and print it when the table is done."""
    counting = Tally("model output hazards")
    yield counting
    print(f"\n{counting.line}")


@dataclass(frozen=True)
class Row:
    """What a model does, and what has to come of it."""

    script: Script | Sequence[Reply]
    code: str
    says: str = NOON
    calls: Sequence[tuple[str, str | None]] | None = None
    limits: Limits = BRISK
    model: ModelProfile | None = None


def asks(*calls: Call, then: Reply = ANSWER) -> list[Reply]:
    """Return a model that calls these tools, whatever their ids and places, and then answers."""
    return [Reply(calls=calls, finish_reason="tool_calls"), then]


def chunk(delta: dict[str, JsonValue], reason: str | None = None) -> JsonValue:
    """Return one event of a stream."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def for_ever(request: ChatRequest, answer: Callable[[int], Reply]) -> Reply:
    """Return what a model that never stops says next; by how much it was told before, it knows its turn."""
    return answer(sum(message["role"] == "assistant" for message in request.messages))


def failed(*codes: str | None, tool: str = "create_task") -> list[tuple[str, str | None]]:
    """Return what the ledger says of calls of one tool."""
    return [(tool, code) for code in codes]


BROKEN_ARGUMENTS: Final = {
    "nothing": "",
    "null": "null",
    "a list": "[1]",
    "a text": '"text"',
    "a number": "12",
    "true": "true",
    "nested 300 deep": NESTED,
    "brackets only": "[" * 30_000,
    "not a number": '{"title": "a", "duration_minutes": NaN}',
    "beyond numbers": '{"title": "a", "duration_minutes": 1e5000}',
    "a number of 5,000 digits": '{"title": "a", "duration_minutes": ' + "9" * 5_000 + "}",
    "a megabyte in one line": '{"title": "' + "x" * 50_000 + '"}',
    "two objects": '{"title": "a"}{"title": "b"}',
    "a name twice": '{"title": "a", "title": "b"}',
}  # fmt: skip
UNKNOWN_NAMES: Final = ["", "Create_Task", " create_task", "drop_tables", "create task", "x" * 10_000, "\x00", "🗓"]

CALLS: Final[Mapping[str, Row]] = {
    **{
        f"arguments: {name}": Row(asks(Call("create_task", raw, "1", 0, piece_chars=1_000)), "stop",
                                  calls=failed("invalid_arguments"))
        for name, raw in BROKEN_ARGUMENTS.items()
    },
    "names that no tool has": Row(
        asks(*(Call(name, "{}", f"{place}", place) for place, name in enumerate(UNKNOWN_NAMES))), "stop",
        calls=[((name[:99] + "…" if len(name) > 100 else name).replace("\x00", "\ufffd"), "unknown_tool")
               for name in UNKNOWN_NAMES],
    ),
    "no name at all": Row(asks(Call(None, "{}", "1", 0)), "stop", calls=[("", "unknown_tool")]),
    "one id for two calls": Row(
        asks(Call("create_task", '{"title": "a"}', "1", 0), Call("create_task", '{"title": "b"}', "1", 1)), "stop",
        calls=failed(None, None)),
    "no ids": Row(
        asks(Call("create_task", '{"title": "a"}', None, 0), Call("create_task", '{"title": "b"}', None, 1)), "stop",
        calls=failed(None, None)),
    "one index for two calls": Row(
        asks(Call("create_task", '{"title": "a"}', "1", 0), Call("create_task", '{"title": "b"}', "2", 0)), "stop",
        calls=failed(None, None)),
    "one index, id and name for two calls": Row(
        asks(Call("create_task", '{"title": "a"}', "1", 0), Call("create_task", '{"title": "b"}', "1", 0)), "stop",
        calls=failed("invalid_arguments")),
    "no indexes": Row(
        asks(Call("create_task", '{"title": "a"}', "1"), Call("create_task", '{"title": "b"}', "2")), "stop",
        calls=failed(None, None)),
    "a NUL in its arguments": Row(asks(Call("create_task", '{"title": "a\x00b"}', "1", 0)), "stop", calls=failed(None)),
    "one of three fails": Row(
        asks(Call("list_tasks", "{}", "1", 0), Call("list_tasks", "[]", "2", 1), Call("list_tasks", "{}", "3", 2)),
        "stop", calls=failed(None, "invalid_arguments", None, tool="list_tasks")),
    "words before, between and after calls": Row(
        [raw_events(
            chunk({"content": "First. "}), chunk({"tool_calls": [call("list_tasks", "{}", index=0).as_json()]}),
            chunk({"content": "Then. "}), chunk({"tool_calls": [{"index": 1, **call("list_tasks", "{}").as_json()}]}),
            chunk({"content": "Last."}), chunk({}, "tool_calls")), ANSWER],
        "stop", says=f"First. Then. Last.\n\n{NOON}", calls=failed(None, None, tool="list_tasks")),
    "cut at the length limit": Row(
        [tools(call("create_task", {"title": "Pay 10"}), finish_reason="length"), ANSWER], "stop", calls=[]),
    "cut for want of resources": Row(
        [tools(call("create_task", {"title": "Pay 10"}), finish_reason="insufficient_system_resource"), ANSWER],
        "stop", calls=[]),
    "a hundred calls in one answer": Row(
        asks(*(Call("list_tasks", f'{{"limit": {n}}}', f"{n}", n) for n in range(1, 101))), "stop",
        calls=failed(*[None] * 16, tool="list_tasks")),
    "a legacy function_call": Row(
        [raw_events(chunk({"function_call": {"name": "create_task", "arguments": "{}"}}), chunk({}, "stop")), ANSWER],
        "stop", calls=[]),
    "calls that are none": Row(
        [raw_events(chunk({"tool_calls": "create_task"}), chunk({"tool_calls": [None, 7, "x"]}), chunk({}, "stop")),
         ANSWER], "stop", calls=[]),
}  # fmt: skip

LOOPS: Final[Mapping[str, Row]] = {
    "the same call for ever": Row(
        rules(when(tools(call("list_tasks", {})), offers="list_tasks"), when(ANSWER)), "stop",
        calls=failed(*[None] * 3, tool="list_tasks")),
    "one call and another for ever": Row(
        lambda asked: for_ever(asked, lambda turn: tools(call("list_tasks", {"limit": 1 + turn % 2}))), "stop",
        says="could not be written in full", calls=failed(*[None] * 11, tool="list_tasks")),
    "ever longer arguments": Row(
        lambda asked: for_ever(asked, lambda turn: tools(call("search_notes", {"query": "a" * turn**2}))), "stop",
        says="could not be written in full"),
    "unknown tools for ever": Row(
        lambda asked: for_ever(asked, lambda turn: tools(call(f"tool_{turn}", {}))), "stop",
        says="could not be written in full"),
    "broken arguments for ever": Row(
        lambda asked: for_ever(asked, lambda turn: tools(call("create_task", "{" * (turn + 1)))), "stop",
        says="could not be written in full"),
    "ever new writes": Row(
        lambda asked: for_ever(asked, lambda turn: tools(*(call("create_note", {"content": f"{turn} {n}"})
                                                           for n in range(16)))), "stop",
        says="could not be written in full", limits=replace(BRISK, tool_calls=40)),
    "nothing for ever": Row(lambda _asked: text(""), "model_gave_nothing", says=""),
    "blanks for ever": Row(lambda _asked: text(" \n\u200b"), "model_gave_nothing", says=""),
    "plans for ever": Row(lambda _asked: plan(step(1, after=[1])), "stop", says="could not be written in full"),
}  # fmt: skip

ENDS: Final[Mapping[str, Row]] = {
    "filtered at the start": Row([text("", finish_reason="content_filter")], "content_filtered", says=""),
    "filtered in the middle": Row([text("It is", deltas=2, finish_reason="content_filter")], "content_filtered",
                                  says="It is"),
    "filtered behind a call": Row([tools(call("create_task", WATER)), text("I ", finish_reason="content_filter")],
                                  "content_filtered", says="Created the task", calls=failed(None)),
    "filtered with a call": Row([tools(call("create_task", WATER), finish_reason="content_filter")],
                                "content_filtered", says="", calls=[]),
    "filtered in other letters": Row([text("", finish_reason="SAFETY")], "content_filtered", says=""),
    "a refusal": Row([text(None, refusal="I cannot help with that.", deltas=3)], "content_filtered", says=""),
    "a refusal behind words": Row([text("It is", refusal="No.")], "content_filtered", says="It is"),
    "the length limit in the answer": Row([text("It is", finish_reason="length")], "stop", says=f"It is{CUT_OFF}"),
    "the length limit at once": Row([text("", finish_reason="length"), ANSWER], "stop"),
    "no reason to stop": Row([text(NOON, finish_reason=None)], "stop"),
    "a reason nobody knows": Row([text(NOON, finish_reason="banana")], "stop"),
    "a first event without choices": Row([raw_events({"choices": []}, chunk({"content": NOON}), chunk({}, "stop"))],
                                         "stop"),
    "null choices beside the usage": Row(
        [raw_events(chunk({"content": NOON}), chunk({}, "stop"), {"choices": None, "usage": {"prompt_tokens": 1}})],
        "stop"),
    "no choices ever": Row([raw_events({"choices": []}, {"choices": None})], "model_unavailable", says=""),
    "an empty stream": Row([raw_events()], "model_unavailable", says=""),
    "an error sent as success": Row([error_in_200("canary-words")], "model_unavailable", says=""),
    "a rate limit sent as success": Row([error_in_200(code=429)], "model_rate_limited", says=""),
    "a web page": Row([raw_body(b"<html>Bad gateway</html>")], "model_unavailable", says=""),
    "a body nested without end": Row([raw_body(b'{"choices":' + b"[" * 100_000)], "model_unavailable", says=""),
    "an error in the middle of the text": Row(
        [raw_events(chunk({"content": "It is"}), {"error": {"message": "canary-words"}})], "stop",
        says="It is\n\nThe answer could not be written in full."),
    "the word complex": Row([text("complex")], "stop", says="complex"),
    "a strategy that there is not": Row([text('{"strategy": "both!"}')], "stop", says='{"strategy": "both!"}'),
    "a plan of nonsense, twice": Row(
        [tools(call("create_plan", {"strategy": "COMPLEX!"})), tools(call("create_plan", '"both"')), ANSWER], "stop"),
    "ten megabytes in pieces": Row([text(TEN_MEGABYTES, deltas=30)], "stop", says=CUT_OFF),
    "ten megabytes at once": Row(
        [raw_body({"choices": [{"message": {"content": TEN_MEGABYTES}, "finish_reason": "stop"}]})], "stop",
        says=CUT_OFF),
    "ten megabytes of thoughts": Row([text(NOON, reasoning=TEN_MEGABYTES, deltas=30), ANSWER], "stop"),
}  # fmt: skip

RETRY_AFTER: Final[Mapping[str | None, str]] = {
    "0": "stop",
    "0.1": "stop",
    "-5": "stop",
    "Wed, 21 Oct 2015 07:28:00 GMT": "stop",
    "Wed, 21 Oct 2015 07:28:00": "stop",
    "Wed, 21 Oct 9999 07:28:00 GMT": "model_rate_limited",
    "Wed, 21 Oct 99999999999999 07:28:00 GMT": "stop",
    "Wed, 21 Oct 2015 07:28:00 +999999999999": "stop",
    "86400": "model_rate_limited",
    "1e300": "model_rate_limited",
    "soon": "stop",
    "nan": "stop",
    "inf": "stop",
    "2, 3": "stop",
    "9" * 5_000: "stop",
    None: "stop",
}

FAILURES: Final[Mapping[str, Row]] = {
    **{
        f"429, Retry-After {str(header)[:40]}": Row(
            [status(429, retry_after=header), ANSWER], code, says=NOON if code == "stop" else "", limits=TWICE)
        for header, code in RETRY_AFTER.items()
    },
    "429 for ever": Row(lambda _asked: status(429, retry_after="0"), "model_rate_limited", says="", limits=TWICE),
    **{f"HTTP {code}": Row([status(code, retry_after="0"), ANSWER], "stop", limits=TWICE)
       for code in (500, 502, 503, 504, 529)},
    "HTTP 500 for ever": Row(lambda _asked: status(500, retry_after="0"), "model_unavailable", says="", limits=TWICE),
    "HTTP 401": Row([status(401)], "model_misconfigured", says=""),
    "a redirect": Row([status(307)], "model_misconfigured", says=""),
    "a connection reset before its headers": Row([ANSWER.disconnect_after(0)], "model_unavailable", says=""),
    "a connection reset before the text": Row([ANSWER.disconnect_after(1)], "model_unavailable", says=""),
    "a connection reset in the text": Row([ANSWER.disconnect_after(3)], "stop",
                                          says="could not be written in full"),
    "a body that ends in the text": Row([ANSWER.end_after(3)], "stop", says="could not be written in full"),
    "a refused connection": Row([], "model_unavailable", says="",
                                model=ModelProfile("deep", "http://127.0.0.1:9/v1")),
    "a name that resolves to nothing": Row([], "model_unavailable", says="",
                                           model=ModelProfile("deep", "http://model.invalid/v1")),
    "headers, then nothing": Row([ANSWER.stall_after(0)], "model_timeout", says="", limits=STALLING),
    "a word, then nothing": Row([ANSWER.stall_after(3)], "stop", says="The model took too long", limits=STALLING),
    "thoughts, then nothing": Row([text(NOON, reasoning="Hm", deltas=2).stall_after(2)], "model_timeout", says="",
                                  limits=STALLING),
    "a letter now and then, for ever": Row([text("a" * 200, deltas=200).paced(0.1)], "stop",
                                           says="The model took too long", limits=STALLING),
}  # fmt: skip

NOT_A_NUMBER: Final[JsonValue] = float("nan")
LIES: Final[Mapping[str, JsonValue]] = {
    "no usage": None,
    "nothing": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    "less than nothing": {"prompt_tokens": -5, "completion_tokens": -5},
    "nulls": {"prompt_tokens": None, "completion_tokens": None},
    "words": {"prompt_tokens": "12", "completion_tokens": "many"},
    "a million million": {"prompt_tokens": 10**12, "completion_tokens": 1},
    "beyond integers": {"prompt_tokens": 10**30, "completion_tokens": 10**30},
    "not a number": {"prompt_tokens": NOT_A_NUMBER, "completion_tokens": 1},
    "a list": [12, 3],
}


async def traced(database: Database, played: Played) -> Trace:
    """Return what is stored of a run."""
    async with database.acting(Role.API, played.person.identity) as scope:
        trace = await trace_of(scope, UUID(played.run_id))
    assert trace is not None
    return trace


def rows_of(table: Mapping[str, Row]) -> list[object]:
    """Return a table as parameters, each named by its row."""
    return [pytest.param(row, id=name) for name, row in table.items()]


@pytest.mark.parametrize("row", [*rows_of(CALLS), *rows_of(LOOPS), *rows_of(ENDS), *rows_of(FAILURES)])
async def test_whatever_a_model_does_the_run_ends_as_it_should(
    house: House, database: Database, tally: Tally, row: Row
) -> None:
    """The run ends with the code of its row and says what there is to say; each call is in the ledger as it came."""
    played = await house.play(row.script, limits=row.limits, model=row.model)
    tally.count(played)
    assert (played.code, row.says in played.text) == (row.code, True), played.text[-300:]
    assert "canary-words" not in played.stream.body.decode()
    if row.calls is not None:
        trace = await traced(database, played)
        assert sorted((each.tool, str(each.error_code)) for each in trace.tool_calls) == sorted(
            (tool, str(code)) for tool, code in row.calls
        )


@pytest.mark.parametrize("usage", [pytest.param(usage, id=name) for name, usage in LIES.items()])
async def test_a_model_that_lies_about_its_cost_is_counted_here(
    house: House, database: Database, tally: Tally, usage: JsonValue
) -> None:
    """Without a believable count the answer costs what we count ourselves."""
    played = await house.play([text(NOON, usage=usage)])
    tally.count(played)
    (asked,) = (await traced(database, played)).model_calls
    assert asked.estimated
    assert asked.completion_tokens == 3
    assert asked.prompt_tokens is not None
    assert 1_000 < asked.prompt_tokens < 50_000
    assert played.end["usage"] == {
        "prompt_tokens": asked.prompt_tokens, "completion_tokens": 3, "total_tokens": asked.prompt_tokens + 3
    }  # fmt: skip


async def test_a_filtered_answer_is_paid_for(house: House, database: Database, tally: Tally) -> None:
    """What the provider counted for an answer that it stopped stands in the account."""
    played = await house.play([text("It is", finish_reason="content_filter")])
    tally.count(played)
    (asked,) = (await traced(database, played)).model_calls
    assert (asked.estimated, asked.outcome, asked.completion_tokens) == (False, "answered", 2)


async def test_a_call_cut_anywhere_never_runs_as_another(house: House, database: Database, tally: Tally) -> None:
    """Arguments cut at every one of their bytes, by a model that says it was done: none of them runs."""
    whole = json.dumps({"title": "Pay 1000", "duration_minutes": 100, "description": "{}"})
    cuts = [call("create_task", whole[:at]) for at in range(len(whole))]
    answers = [tools(*cuts[at : at + 16]) for at in range(0, len(cuts), 16)]
    played = await house.play([*answers, ANSWER])
    tally.count(played)
    calls = (await traced(database, played)).tool_calls
    assert [each.error_code for each in calls] == ["invalid_arguments"] * len(whole)
    assert {each.arguments for each in calls} == {whole[:at] for at in range(len(whole))}
    at_the_limit = replace(tools(*cuts, call("create_task", whole)), finish_reason="length")
    played = await house.play([at_the_limit, ANSWER])
    tally.count(played)
    assert (await traced(database, played)).tool_calls == []


async def test_an_executors_broken_calls_are_told_to_it(house: House, database: Database, tally: Tally) -> None:
    """An executor, whose answers come whole, gets a result for each broken call and goes on."""
    broken = [call("list_tasks", raw) for raw in BROKEN_ARGUMENTS.values() if len(raw) < MAX_ARGUMENT_CHARS / 2]
    script = rules(
        when(tools(*broken), offers="submit_result", last_role="user"),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(ANSWER),
    )
    played = await house.play(script)
    tally.count(played)
    trace = await traced(database, played)
    assert {each.error_code for each in trace.tool_calls} == {"invalid_arguments"}
    assert len(trace.tool_calls) == 2 * len(broken)
    assert all(len(each.arguments) <= MAX_ARGUMENT_CHARS for each in trace.tool_calls)
    assert {execution.success for execution in trace.executions} == {True}


EXECUTORS_ANSWERS: Final[Mapping[str, tuple[Reply, bool, str]]] = {
    "ten megabytes of words": (text(TEN_MEGABYTES), True, "word word"),
    "ten megabytes of arguments": (tools(call("list_tasks", '{"limit": "' + TEN_MEGABYTES)), False, ""),
    "ten megabytes handed in": (tools(call("submit_result", {"status": "complete", "summary": TEN_MEGABYTES})),
                                False, ""),
    "nothing handed in": (tools(call("submit_result", {"status": "complete", "summary": " \u200b"})), False, ""),
    "nothing": (text(""), False, ""),
    "a filter": (text("", finish_reason="content_filter"), False, ""),
    "a refusal": (text(None, refusal="No."), False, ""),
    "the length limit": (text("Some of it", finish_reason="length"), True, "Some of it"),
    "thoughts alone": (text("", reasoning="Hm"), False, ""),
}  # fmt: skip


@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in EXECUTORS_ANSWERS.items()])
async def test_whatever_one_executor_says_for_ever_the_others_do_their_part(
    house: House, database: Database, tally: Tally, answer: tuple[Reply, bool, str]
) -> None:
    """One of three executors says the same useless thing until it is stopped; the answer follows all the same."""
    useless, success, summary = answer
    script = rules(
        when(useless, offers="submit_result", mentions="Do part 2."),
        when(submit(), offers="submit_result"),
        when(text("no other way"), says="Some steps of the plan"),
        when(plan(step(1), step(2), step(3)), offers="create_plan"),
        when(ANSWER),
    )
    played = await house.play(script)
    tally.count(played)
    assert (played.code, played.text) == ("stop", NOON)
    second, *others = sorted(
        (await traced(database, played)).executions, key=lambda execution: execution.step_number != 2
    )
    assert (second.success, [each.success for each in others]) == (success, [True, True])
    assert summary in json.dumps(second.result)
    assert len(json.dumps(second.result)) < 32_000


async def test_a_model_that_outlasts_the_turn_is_left_in_time(house: House, tally: Tally) -> None:
    """A run whose model calls take longer than the whole run may ends within five seconds of its limit."""
    limits = replace(BRISK, wall_seconds=1.0, first_token_seconds=60, call_seconds=60)
    began = monotonic()
    played = await house.play([ANSWER.stall_after(0)], limits=limits)
    took_seconds = monotonic() - began
    tally.count(played)
    assert played.code == "turn_timed_out"
    assert took_seconds < limits.wall_seconds + WALL_GRACE_SECONDS


async def test_a_torrent_of_tokens_is_gathered(house: House, tally: Tally) -> None:
    """100,000 pieces of one letter become at most twenty events a second, in order, and end at the answer's limit."""
    letters = "".join(chr(ord("a") + place % 26) for place in range(100_000))
    began = monotonic()
    played = await house.play([text(letters, deltas=len(letters))], limits=replace(BRISK, call_seconds=100))
    took_seconds = monotonic() - began
    tally.count(played)
    assert played.text == letters[: BRISK.answer_chars] + CUT_OFF
    pieces = played.all("text")
    assert len(pieces) <= 20 * took_seconds + 2
    print(f"100,000 pieces of a stream: {len(pieces)} events in {took_seconds:.1f} s, order kept")
