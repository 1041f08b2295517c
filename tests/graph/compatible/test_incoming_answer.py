"""What a streamed answer hands on before its end: text, and the arguments of calls as they are written."""

from typing import Any

from pydantic import JsonValue

from graph.compatible.incoming_answer import IncomingAnswer


def piece(index: int, arguments: str, name: str | None = None) -> JsonValue:
    """Give one event with a piece of a call."""
    function: dict[str, JsonValue] = {"arguments": arguments, **({} if name is None else {"name": name})}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "function": function}]}}]}


def finish() -> JsonValue:
    """Give the event that says why the model stopped."""
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}


def pieces_in(answer: IncomingAnswer) -> list[Any]:
    """Return the pieces that have arrived since the last time."""
    chunk = answer.take()
    return [] if chunk is None else list(chunk.additional_kwargs.get("argument_pieces", []))


def test_arguments_are_handed_on_piece_by_piece_and_whole_at_the_end() -> None:
    """Each piece comes once, with its call's place and name; the calls as written come with the last chunk alone."""
    answer = IncomingAnswer("deep")
    answer.add(piece(0, "", "create_plan"))
    answer.add(piece(0, '{"st'))
    assert pieces_in(answer) == [{"place": 0, "name": "create_plan", "arguments": '{"st'}]
    answer.add(piece(0, 'eps": []}'))
    answer.add(piece(1, "{}", "list_tasks"))
    assert pieces_in(answer) == [
        {"place": 0, "name": "create_plan", "arguments": 'eps": []}'},
        {"place": 1, "name": "list_tasks", "arguments": "{}"},
    ]
    assert pieces_in(answer) == []
    answer.add(finish())
    raw = answer.last().additional_kwargs["raw_tool_calls"]
    assert [call["arguments"] for call in raw] == ['{"steps": []}', "{}"]


def test_what_comes_with_the_end_is_not_worth_handing_on() -> None:
    """When the model has said why it stopped, the whole call follows at once."""
    answer = IncomingAnswer("deep")
    answer.add(piece(0, '{"steps": []}', "create_plan"))
    answer.add(finish())
    assert pieces_in(answer) == []


def test_an_answer_in_one_piece_has_no_pieces() -> None:
    """A provider that does not stream hands on nothing early."""
    answer = IncomingAnswer("deep")
    call: JsonValue = {"id": "a", "function": {"name": "create_plan", "arguments": "{}"}}
    answer.add({"choices": [{"message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": None}]})
    assert pieces_in(answer) == []
