"""The offline model as a chat model: whole, streamed, the same every time, and never at a loss."""

import json
from functools import reduce
from operator import add
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from pydantic import JsonValue

from nodes.planning.rules import CreatePlan, validate
from nodes.planning.worker import SubmitResult
from nodes.vocabulary.limits import Limits
from tests.graph.offline.talking import (
    DECIDING,
    MODEL,
    REGISTRY,
    TOOLS,
    Schemas,
    asked,
    calls_in,
    reply,
    tasked,
    tools_of,
)
from tools.arguments import arguments_of, validated

REQUESTS: Final = ("hello", "what is overdue?", "organise next week", "search for prices", "who are you?")
WORDS: Final = [
    *(
        "mark",
        "move",
        "schedule",
        "create",
        "a",
        "the",
        "my",
        "task",
        "project",
        "note",
        "brain dump",
        "to",
        "as",
        "in",
    ),
    *(
        "for",
        "done",
        "Friday",
        "tomorrow",
        "at",
        "10",
        "3pm",
        "next week",
        "overdue",
        "find",
        "free hours",
        "and",
        "“x”",
    ),
    *(
        "it",
        "this",
        "is",
        "on",
        "calendar",
        "delete",
        "rename",
        "set",
        "priority of",
        "high",
        ":",
        ",",
        "…",
        "\n",
        "all",
    ),
]
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES: Final = [
    "tasks",
    "events",
    "slots",
    "projects",
    "notes",
    "brain_dumps",
    "project",
    "task",
    "event",
    "id",
    "title",
]


async def streamed(messages: list[BaseMessage], tools: Schemas = DECIDING) -> list[AIMessageChunk]:
    """Return the pieces of a streamed answer."""
    return [piece async for piece in MODEL.astream(messages, tools=list(tools))]


@pytest.mark.parametrize("request_text", REQUESTS)
async def test_a_streamed_answer_is_the_whole_one(request_text: str) -> None:
    """The pieces add up to the whole answer: text, calls, usage and reason."""
    whole = await MODEL.ainvoke(asked(request_text), tools=list(DECIDING))
    pieces = await streamed(asked(request_text))
    together = reduce(add, pieces)
    assert together.text == whole.text
    assert together.additional_kwargs == whole.additional_kwargs
    assert together.usage_metadata == whole.usage_metadata
    assert together.response_metadata["finish_reason"] == whole.response_metadata["finish_reason"]
    assert [call["args"] for call in together.tool_calls] == [call["args"] for call in whole.tool_calls]
    assert pieces[-1].chunk_position == "last"


async def test_text_comes_word_by_word_and_calls_come_whole() -> None:
    """Each piece has one word, or one call with all of its argument text."""
    assert [piece.text for piece in (await streamed(asked("thanks")))[:4]] == ["You ", "are ", "welcome.", ""]
    (call,) = [chunk for piece in await streamed(asked("what is overdue?")) for chunk in piece.tool_call_chunks]
    assert call["name"] == "list_tasks"
    assert json.loads(call["args"] or "")["limit"] == 50


@pytest.mark.parametrize(("request_text", "reason"), [("thanks", "stop"), ("what is overdue?", "tool_calls")])
def test_an_answer_says_who_wrote_it_and_why_it_ends(request_text: str, reason: str) -> None:
    """The metadata has the finish reason and the model's name, and the usage is counted from the characters."""
    answer = reply(asked(request_text))
    assert answer.response_metadata["finish_reason"] == reason
    assert answer.response_metadata["model_name"] == "planwright-offline"
    assert answer.usage_metadata is not None
    shown = sum(len(str(message.text)) for message in asked(request_text))
    assert answer.usage_metadata["input_tokens"] == -(-shown // 4)


@pytest.mark.parametrize("request_text", REQUESTS)
def test_the_same_messages_get_the_same_answer(request_text: str) -> None:
    """There is no chance, no memory and no clock in it."""
    assert reply(asked(request_text)).model_dump(exclude={"id"}) == reply(asked(request_text)).model_dump(
        exclude={"id"}
    )


def assert_valid(answer: AIMessage) -> None:
    """Hold that an answer says something, and that every call passes the tool's own strict check."""
    assert answer.text.strip() or answer.tool_calls
    for call in answer.additional_kwargs.get("raw_tool_calls", []):
        if call["name"] == "create_plan":
            validate(arguments_of("create_plan", CreatePlan, call["arguments"]), REGISTRY, Limits())
        elif call["name"] == "submit_result":
            arguments_of("submit_result", SubmitResult, call["arguments"])
        else:
            tool = REGISTRY.find(call["name"])
            assert tool is not None
            if "id of" not in call["arguments"]:
                validated(tool, call["arguments"])


@given(st.text(max_size=400) | st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join))
@settings(max_examples=400, deadline=None)
def test_any_request_gets_a_valid_answer(request_text: str) -> None:
    """Whatever a person writes, there is an answer, and no call that the tools would refuse unread."""
    assert_valid(reply(asked(request_text)))
    assert_valid(reply(asked(request_text), TOOLS))


@given(
    st.sampled_from(
        ["mark it as done", "what is overdue?", "how is x going?", "when is x", "search x", "move x to Friday"]
    ),
    st.lists(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4) | st.text(max_size=20), min_size=1, max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_any_result_gets_an_answer(request_text: str, told: list[dict[str, JsonValue] | str]) -> None:
    """Whatever the tools answer, the loop goes on to an end without an error."""
    messages = asked(request_text)
    for data in told:
        answer = reply(messages)
        messages.append(answer)
        text = data if isinstance(data, str) else json.dumps(data)
        messages += [ToolMessage(text, tool_call_id=str(call["id"])) for call in answer.tool_calls]
        if not answer.tool_calls:
            break
        assert len(calls_in(answer)) <= 16
    last = reply(messages)
    assert last.text.strip() or last.tool_calls


@given(st.text(max_size=200), st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_step_is_handed_in(description: str, data: dict[str, JsonValue]) -> None:
    """Whatever a step says and its tools return, an executor hands in a result that passes its check."""
    tools = tools_of("list_tasks", "search_projects", "get_calendar_events")
    messages = tasked(f"List tasks. {description}")
    for _ in range(3):
        answer = reply(messages, tools)
        assert_valid(answer)
        messages.append(answer)
        messages += [ToolMessage(json.dumps(data), tool_call_id=str(call["id"])) for call in answer.tool_calls]
    assert any(
        name == "submit_result"
        for message in messages
        if isinstance(message, AIMessage)
        for name, _ in calls_in(message)
    )


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_prompt_gets_an_answer(rest: str) -> None:
    """A message that only looks like one of the program's prompts is answered too."""
    for opening in (
        "The plan has run.",
        "# Step 1 of the plan\n",
        "The plan was refused",
        "Some steps of the plan did not succeed",
    ):
        for tools in ((), TOOLS, DECIDING):
            assert_valid(reply([*asked("what is overdue?"), HumanMessage(opening + rest)], tools))


@pytest.mark.parametrize(
    "unit",
    [
        "to ",
        "and ",
        "of ",
        "mark ",
        "find and schedule ",
        "note in ",
        " ",
        ", ",
        "a a ",
        "is now ",
        "project ",
        "overdue\n",
        "at 10 ",
    ],
)
@pytest.mark.timeout(20)
def test_a_long_request_is_read_in_little_time(unit: str) -> None:
    """No message of the longest size keeps the rules busy."""
    assert_valid(reply(asked((unit * 16_384)[:16_384])))
    assert_valid(reply(asked(f"mark {(unit * 16_384)[:16_000]} x")))


def test_what_cannot_be_stored_is_replaced() -> None:
    """A lone surrogate in a request comes back as U+FFFD, never as itself."""
    answer = reply(asked("add a note: \ud800!"))
    assert calls_in(answer) == [("create_note", {"content": "\N{REPLACEMENT CHARACTER}!"})]
