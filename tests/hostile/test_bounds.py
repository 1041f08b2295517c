"""P11: whatever a model says and for how long, what a run takes and leaves behind stays bounded."""

import gc
import json
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from tests.hostile.house import BRISK, House, Tally
from tests.hostile.odd_tools import ANSWERS
from tests.scripted_model.replies import Reply, call, raw_body, raw_events, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script, rules, when
from tests.turns import plan, step, submit
from tools.registry import Registry
from tools.tool import ToolAnswer

REGISTRY: Final = Registry.build("tests.hostile.odd_tools:TOOLS")
MEGABYTE: Final = 1024 * 1024
MOST_MEGABYTES: Final = 64  # twice the longest answer that is read
WIDEST: Final = "\x01"  # six bytes of JSON each


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Give the count of this table, and print it when the table is done."""
    counting = Tally("answers without bounds")
    yield counting
    print(f"\n{counting.line}")


def large_plan() -> Script:
    """Return a model whose plan, results and revision are as large as each may be."""
    steps = [{**step(number), "description": f"Do part {number}." + "w" * 1_980} for number in range(1, 12)]
    questions: list[JsonValue] = ["q" * 400] * 10
    found: dict[str, JsonValue] = {
        "status": "complete", "summary": "s" * 6_000, "data": {"k" * 10_000: 1}, "open_questions": questions
    }  # fmt: skip
    return rules(
        when(submit("f" * 6_000, "failed"), offers="submit_result", mentions="Do part 11."),
        when(tools(call("submit_result", found)), offers="submit_result"),
        when(plan({**step(12), "description": "Do part 12." + WIDEST * 1_980}), says="Some steps of the plan"),
        when(plan(*steps), offers="create_plan", last_role="user"),
        when(text("Well.")),
    )


LARGE: Final[Mapping[str, Script]] = {
    "arguments of control characters": rules(
        when(tools(call("create_note", json.dumps({"content": WIDEST * 5_000}))), last_role="user"), when(text("Well."))
    ),
    "arguments that need quoting": rules(
        when(tools(call("create_note", '{"content": "' + '\\"' * 15_000 + '"}')), last_role="user"), when(text("Well."))
    ),
    "64 long names": rules(
        when(tools(*(call(WIDEST * 99 + f"{n}", "{}") for n in range(64))), last_role="user"), when(text("Well."))
    ),
    "a plan of control characters": rules(
        when(submit(), offers="submit_result"),
        when(plan(*({**step(n), "description": "w" + WIDEST * 1_990} for n in range(1, 4))), offers="create_plan"),
        when(text("Well.")),
    ),
    "a plan, its results and its revision": large_plan(),
}


@pytest.mark.figure
@pytest.mark.parametrize("script", [pytest.param(script, id=name) for name, script in LARGE.items()])
async def test_no_event_is_larger_than_it_may_be(house: House, tally: Tally, script: Script) -> None:
    """A model that fills every field to its limit makes no event larger than 32 KB."""
    played = await house.play(script)
    tally.count(played)
    assert (played.code, "Well." in played.text) == ("stop", True)


@pytest.mark.figure
@pytest.mark.parametrize("answer", [
    pytest.param(ToolAnswer("Here.", {"a": "🗓" * 15_000}), id="emoji"),
    pytest.param(ToolAnswer("Here.", {"🗓" * 15_000: 1}), id="a key of emoji"),
    pytest.param(ToolAnswer("🗓" * 2_000, {"a": list[JsonValue](["🗓"] * 3_000)}, "odd"), id="emoji everywhere"),
])  # fmt: skip
async def test_no_result_of_a_tool_is_larger_than_it_may_be(house: House, tally: Tally, answer: ToolAnswer) -> None:
    """A tool that fills its result with the longest characters makes no event larger than 32 KB."""
    ANSWERS[:] = [answer]
    played = await house.play([tools(call("say_something_odd", {})), text("Well.")], registry=REGISTRY)
    tally.count(played)
    assert (played.code, played.text) == ("stop", "Well.")


def said(**delta: JsonValue) -> JsonValue:
    """Return one event of a stream."""
    return {"choices": [{"index": 0, "delta": delta}]}


ENDLESS: Final[Mapping[str, Reply]] = {
    "words": raw_events(said(content="word " * 50)),
    "empty words": raw_events(said(content="")),
    "thoughts": raw_events(said(reasoning_content="Hm. " * 50)),
    "events without choices": raw_events({"choices": [], "usage": None}),
    "arguments": raw_events(said(tool_calls=[{"index": 0, "function": {"name": "a", "arguments": "{" * 99}}])),
    "ever new calls": raw_events(said(tool_calls=[{"function": {"name": "list_tasks", "arguments": "{}"}}])),
    "one line": raw_body(b"data: " + b"x" * 100_000),
}
LEFT: Final = {"stop", "model_gave_nothing", "model_timeout", "model_unavailable"}


@pytest.mark.figure
async def test_a_stream_without_end_takes_no_memory_without_end(house: House, tally: Tally) -> None:
    """A model that never stops, whatever it sends, is left in time, and what was held of it is gone again."""
    limits = replace(BRISK, call_seconds=2.0)
    peaks: dict[str, float] = {}
    for name, reply in ENDLESS.items():
        tracemalloc.start()
        played = await house.play([reply.repeat_after(1)] * 2, limits=limits)
        _, peak_bytes = tracemalloc.get_traced_memory()
        gc.collect()  # a failure holds the frames it came through, until somebody looks
        held_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        tally.count(played)
        assert played.code in LEFT, name
        assert held_bytes < 24 * MEGABYTE, name  # what was imported and cached meanwhile counts too
        peaks[name] = peak_bytes / MEGABYTE
    assert max(peaks.values()) < MOST_MEGABYTES
    print("streams without end, peak MB: " + ", ".join(f"{name} {peak:.1f}" for name, peak in peaks.items()))


@pytest.mark.figure
async def test_a_conversation_never_outgrows_the_model(house: House, tally: Tally) -> None:
    """A model that reads more and more is sent the newest results; each call keeps a result behind it."""
    sent_chars: list[int] = []
    in_pairs: list[bool] = []

    def reading_on(request: ChatRequest) -> Reply:
        sent_chars.append(len(request.all_text))
        roles = [str(message["role"]) for message in request.messages]
        in_pairs.append(roles.count("tool") == 4 * roles.count("assistant"))
        if "list_tasks" not in request.offered:
            return text("Well.")
        return tools(*(call("say_something_odd", {"n": 4 * len(sent_chars) + place}) for place in range(4)))

    ANSWERS[:] = [ToolAnswer("Here.", {"a": "x" * 10_000})] * 100
    limits = replace(BRISK, prompt_chars=60_000)
    played = await house.play(reading_on, registry=REGISTRY, limits=limits)
    tally.count(played)
    assert all(in_pairs)
    assert max(sent_chars) <= limits.prompt_chars
    assert len(sent_chars) == limits.planner_turns
