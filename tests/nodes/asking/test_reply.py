"""What a model said, read strictly."""

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call, tool_call_chunk

from nodes.asking.arriving import Arriving
from nodes.asking.reply import MAX_CALLS_IN_ONE_REPLY, MAX_NAME_CHARS, MAX_TOKENS_BELIEVED, read_reply
from persistence.runs.usage import Usage


def asking(*calls: tuple[str | None, str | None], finish_reason: str = "tool_calls", text: str = "") -> AIMessage:
    """Give an answer with these calls, by name and raw argument text."""
    raw = [{"id": "same", "name": name, "arguments": arguments} for name, arguments in calls]
    return AIMessage(
        text, additional_kwargs={"raw_tool_calls": raw}, response_metadata={"finish_reason": finish_reason}
    )


def counting(prompt: int, completion: int, cached: int = 0) -> AIMessage:
    """Give an answer whose provider counted so many tokens."""
    return AIMessage(
        "Yes.",
        usage_metadata=UsageMetadata(
            input_tokens=prompt,
            output_tokens=completion,
            total_tokens=prompt + completion,
            input_token_details={"cache_read": cached},
        ),
    )


def test_calls_keep_the_text_the_model_wrote() -> None:
    """Arguments are the raw text, in order, whatever they are; nothing is repaired."""
    raw = ['{"amount": 10', "", "null", "[1]", '{"a": 1, "a": 2}']
    reply = read_reply(asking(*(("list_tasks", each) for each in raw)), "deep")
    assert [call.arguments for call in reply.calls] == raw


def test_each_call_gets_an_id_of_its_own() -> None:
    """Two calls with one id are two calls."""
    reply = read_reply(asking(("a", "{}"), ("a", "{}")), "deep")
    assert len({call.id for call in reply.calls}) == 2


def test_a_librarys_reading_of_a_call_never_counts() -> None:
    """Calls that are there only in parsed form were repaired by somebody: they are not run."""
    message = AIMessage("", tool_calls=[tool_call(id="1", name="create_task", args={"title": "x"})])
    assert read_reply(message, "deep").calls == ()


@pytest.mark.parametrize("reason", ["length", "max_tokens"])
def test_a_cut_answer_loses_its_calls(reason: str) -> None:
    """An answer that ended in the middle keeps its text; its calls may be other calls than were meant."""
    reply = read_reply(asking(("create_task", '{"amount": 10}'), finish_reason=reason, text="So"), "deep")
    assert (reply.cut, reply.calls, reply.text) == (True, (), "So")


def test_a_filtered_answer_says_so() -> None:
    """What the provider's filter stopped is known as that."""
    assert read_reply(asking(finish_reason="content_filter"), "deep").filtered


@pytest.mark.parametrize(
    ("message", "nothing"),
    [
        pytest.param(AIMessage(""), True, id="empty"),
        pytest.param(AIMessage(" \n"), True, id="blank"),
        pytest.param(asking(("", "")), False, id="a call without a name, which is refused as a call"),
        pytest.param(asking(("a", "{}"), finish_reason="length"), True, id="a call that was cut off"),
        pytest.param(AIMessage("x"), False, id="text"),
    ],
)
def test_an_answer_may_say_nothing(message: AIMessage, nothing: bool) -> None:  # noqa: FBT001 - the table's column
    """Without text and without a call to act on there is no answer."""
    assert read_reply(message, "deep").says_nothing is nothing


def test_what_cannot_be_stored_is_replaced_everywhere() -> None:
    """NUL and lone surrogates reach neither text, thoughts, names nor arguments."""
    message = asking(("a\x00", '{"x": "\ud800"}'), text="t\x00")
    message.additional_kwargs["reasoning_content"] = "r\udfff"
    reply = read_reply(message, "m\x00")
    told = (reply.text, reply.reasoning, reply.model, reply.calls[0].name, reply.calls[0].arguments)
    assert told == ("t�", "r�", "m�", "a�", '{"x": "�"}')


def test_too_many_or_too_long_calls_are_bounded() -> None:
    """A hundred calls in one breath are a loop, a name of 10,000 letters is none."""
    reply = read_reply(asking(*[("x" * 10_000, "{}")] * 100), "deep")
    assert len(reply.calls) == MAX_CALLS_IN_ONE_REPLY
    assert len(reply.calls[0].name) == MAX_NAME_CHARS


@pytest.mark.parametrize(
    ("message", "usage"),
    [
        pytest.param(counting(10, 2, 4), Usage(10, 2, 4), id="believed"),
        pytest.param(counting(10, 0), Usage(10, 0), id="nothing was said"),
        pytest.param(counting(10, 2, 99), Usage(10, 2, 10), id="more cached than sent"),
        pytest.param(counting(10, 2, -1), Usage(10, 2, 0), id="less than nothing cached"),
        pytest.param(counting(0, 0), None, id="nothing at all"),
        pytest.param(counting(-1, 5), None, id="negative"),
        pytest.param(counting(MAX_TOKENS_BELIEVED + 1, 5), None, id="absurd"),
        pytest.param(AIMessage("Yes."), None, id="none told"),
    ],
)
def test_usage_is_believed_within_reason(message: AIMessage, usage: Usage | None) -> None:
    """A count that cannot be is dropped as a whole."""
    assert read_reply(message, "deep").usage == usage


def test_the_model_that_answered_is_named() -> None:
    """The provider's own name for the model wins over ours."""
    assert read_reply(AIMessage("", response_metadata={"model_name": "deep-2"}), "deep").model == "deep-2"
    assert read_reply(AIMessage(""), "deep").model == "deep"


# Streams


def test_a_stream_is_put_together_in_order() -> None:
    """Text, thoughts, usage and the calls as written at the end of the stream make one answer."""
    arriving = Arriving(1_000)
    arriving.add(AIMessageChunk(content="", additional_kwargs={"reasoning_content": "H"}))
    arriving.add(AIMessageChunk(content="a", additional_kwargs={"reasoning_content": "m"}))
    arriving.add(AIMessageChunk(content="b", tool_call_chunks=[tool_call_chunk(name="t", args="{", index=0)]))
    arriving.add(
        AIMessageChunk(
            content="",
            additional_kwargs={"raw_tool_calls": [{"id": "1", "name": "t", "arguments": "{}"}]},
            response_metadata={"finish_reason": "tool_calls", "model_name": "deep-2"},
            usage_metadata=UsageMetadata(input_tokens=3, output_tokens=2, total_tokens=5),
        )
    )
    reply = read_reply(arriving.whole(), "deep")
    assert (reply.text, reply.reasoning, reply.model, reply.usage) == ("ab", "Hm", "deep-2", Usage(3, 2))
    assert [(call.name, call.arguments) for call in reply.calls] == [("t", "{}")]


def test_a_stream_without_raw_calls_is_put_together_from_its_pieces() -> None:
    """A model that tells no raw calls is read piece by piece; a repaired reading is never used."""
    arriving = Arriving(1_000)
    arriving.add(AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name="a", args='{"n"', index=0)]))
    arriving.add(AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name="b", args="", index=1)]))
    arriving.add(AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name=None, args=": 10", index=0)]))
    reply = read_reply(arriving.whole(), "deep")
    assert [(call.name, call.arguments) for call in reply.calls] == [("a", '{"n": 10'), ("b", "")]
