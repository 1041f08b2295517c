"""Conversations that fit into a model's context."""

from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.tool import tool_call

from nodes.asking.trimming import LEFT_OUT, trimmed

RULES: Final = SystemMessage("You plan.")


def conversation(*result_chars: int) -> list[BaseMessage]:
    """Return a conversation of one call an answer, with results of these lengths."""
    told: list[BaseMessage] = [RULES, HumanMessage("What is open?")]
    for place, chars in enumerate(result_chars):
        told += [
            AIMessage("", tool_calls=[tool_call(id=f"c{place}", name="list_tasks", args={"limit": 5})]),
            ToolMessage("x" * chars, tool_call_id=f"c{place}"),
        ]
    return told


def results(messages: list[BaseMessage]) -> list[int]:
    """Return how long the result of each call is, 0 for one that was left out."""
    return [
        0 if message.text == LEFT_OUT else len(message.text) for message in messages if isinstance(message, ToolMessage)
    ]


def test_what_fits_is_sent_as_it_is() -> None:
    """A conversation within the limit loses nothing."""
    assert trimmed(conversation(500, 500), 2_000) == conversation(500, 500)


def test_the_oldest_results_are_left_out_first() -> None:
    """As few results as possible go, from the oldest on; their calls stay."""
    assert results(trimmed(conversation(500, 500, 500), 1_400)) == [0, 500, 500]
    assert results(trimmed(conversation(500, 500, 500), 900)) == [0, 0, 500]


def test_a_single_result_that_is_too_long_is_left_out_too() -> None:
    """One result beyond the whole context is no reason to fail."""
    assert results(trimmed(conversation(10_000), 1_000)) == [0]


@given(st.lists(st.integers(0, 2_000), max_size=8), st.integers(0, 5_000))
def test_calls_and_results_stay_in_pairs(result_chars: list[int], most_chars: int) -> None:
    """Whatever is left out, every call has its result behind it, and everything else is untouched."""
    before = conversation(*result_chars)
    after = trimmed(before, most_chars)
    assert [type(message) for message in after] == [type(message) for message in before]
    for one, other in zip(after, before, strict=True):
        if isinstance(one, ToolMessage) and isinstance(other, ToolMessage):
            assert one.tool_call_id == other.tool_call_id
        else:
            assert one == other
