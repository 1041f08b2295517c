"""A reply as JSON: one body, or the events of a stream."""

from collections.abc import Iterator

from pydantic import JsonValue

from tests.scripted_model.replies import COUNTED, Call, Reply, cut
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.tokens import as_usage, count


def whole(request: ChatRequest, reply: Reply) -> dict[str, JsonValue]:
    """Return the reply as the body of an answer that is not streamed."""
    message: dict[str, JsonValue] = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.reasoning is not None:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [each.as_json() for each in reply.calls]
    choice: JsonValue = {"index": 0, "message": message, "finish_reason": reply.finish_reason, "logprobs": None}
    body = _head(request, "chat.completion")
    body["choices"] = [choice]
    if reply.usage is not None:
        body["usage"] = usage(request, reply)
    return body


def events(request: ChatRequest, reply: Reply) -> list[JsonValue]:
    """Return the reply as the events of a stream."""
    if reply.events is not None:
        return list(reply.events)
    head = _head(request, "chat.completion.chunk")
    deltas: list[JsonValue] = [{**head, "choices": [_choice(delta)]} for delta in _deltas(reply)]
    deltas.append({**head, "choices": [_choice({}, reply.finish_reason)]})
    if reports_usage(request, reply):
        deltas.append({**head, "choices": [], "usage": usage(request, reply)})
    return deltas


def usage(request: ChatRequest, reply: Reply) -> JsonValue:
    """Return what the reply says it cost, which may be a lie."""
    return as_usage(count(request, reply)) if reply.usage == COUNTED else reply.usage


def reports_usage(request: ChatRequest, reply: Reply) -> bool:
    """Say whether the answer holds its usage: in a stream only when asked for."""
    return reply.usage is not None and (not request.is_streamed or _wants_usage(request))


def _deltas(reply: Reply) -> Iterator[dict[str, JsonValue]]:
    yield {"role": "assistant", "content": ""}
    for part in [] if reply.reasoning is None else cut(reply.reasoning, reply.deltas) or [""]:
        yield {"reasoning_content": part}
    for part in cut(reply.text or "", reply.deltas):
        yield {"content": part}
    for part in cut(reply.refusal or "", reply.deltas):
        yield {"refusal": part}
    for each in reply.calls:
        for piece in _call_pieces(each):
            yield {"tool_calls": [piece]}


def _call_pieces(each: Call) -> Iterator[dict[str, JsonValue]]:
    """Yield the call as providers do: its name first, then its arguments piece by piece."""
    yield {
        "index": each.index,
        "id": each.id,
        "type": "function",
        "function": {"name": each.name, "arguments": None if each.arguments is None else ""},
    }
    raw = each.arguments or ""
    for start in range(0, len(raw), each.piece_chars):
        yield {"index": each.index, "function": {"arguments": raw[start : start + each.piece_chars]}}


def _choice(delta: dict[str, JsonValue], finish_reason: str | None = None) -> JsonValue:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}


def _head(request: ChatRequest, kind: str) -> dict[str, JsonValue]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 0, "model": request.model}


def _wants_usage(request: ChatRequest) -> bool:
    options = request.json.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True
