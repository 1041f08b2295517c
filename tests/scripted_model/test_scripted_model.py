"""The scripted model itself: what tests rely on."""

import asyncio
import json

import httpx
import pytest
from pydantic import JsonValue

from tests.scripted_model.demo import organise
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import ScriptExhausted, rules, when
from tests.scripted_model.server import ScriptedModel
from tests.scripted_model.tokens import Tokens


def asked(base_url: str, **fields: JsonValue) -> httpx.Response:
    """Post a chat request."""
    body: dict[str, JsonValue] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    return httpx.post(f"{base_url}/chat/completions", json=body, headers={"Authorization": "Bearer k"})


def offering(*names: str) -> JsonValue:
    """Return tools of these names as a request offers them."""
    return [{"type": "function", "function": {"name": name, "parameters": {}}} for name in names]


def content(response: httpx.Response) -> str:
    """Return the text of a whole answer."""
    body: dict[str, list[dict[str, dict[str, str]]]] = response.json()
    return body["choices"][0]["message"]["content"]


def test_replies_are_given_in_order() -> None:
    """A list of replies is consumed one a request, and every request is kept."""
    with ScriptedModel([text("one"), text("two")]) as model:
        assert [content(asked(model.base_url)), content(asked(model.base_url))] == ["one", "two"]
    assert [request.last_text for request in model.requests] == ["Hi", "Hi"]
    assert model.requests[0].headers["authorization"] == "Bearer k"


def test_a_request_without_a_reply_fails_the_test() -> None:
    """A script that has nothing left to say is an error of the test, raised when the server is left."""
    with pytest.raises(ScriptExhausted, match="ends with 'user': 'Hi'"), ScriptedModel([]) as model:
        assert asked(model.base_url).status_code == 400


def test_rules_pick_by_what_is_offered_and_said() -> None:
    """The first rule that matches and has a reply left answers, whoever asks first."""
    script = rules(
        when(text("once"), offers="submit_result", last_stays=False),
        when(text("executor"), offers="submit_result"),
        when(text("greeting"), says="Hi", model="m"),
        when(text("rest")),
    )
    with ScriptedModel(script) as model:
        executors = [content(asked(model.base_url, tools=offering("submit_result"))) for _ in range(3)]
        others = [content(asked(model.base_url)), content(asked(model.base_url, model="other"))]
    assert (executors, others) == (["once", "executor", "executor"], ["greeting", "rest"])


def test_tokens_are_counted_for_each_model() -> None:
    """Reported usage is summed, and what the client never saw is kept apart."""
    with ScriptedModel([text("12345678"), text("1234", usage=None), text("1234")]) as model:
        told = asked(model.base_url).json()["usage"]
        asked(model.base_url)
        asked(model.base_url, model="other")
    assert model.usage_by_model["m"] == Tokens(1, told["prompt_tokens"], 2)
    assert model.usage_by_model["other"].completion == 1
    assert model.unreported.calls == 1
    assert model.usage.calls == 2


def test_a_stream_ends_with_its_usage_and_its_mark() -> None:
    """Deltas come first, then the finish reason, the usage if asked for, and the mark of the end."""
    streaming: dict[str, JsonValue] = {"stream": True, "stream_options": {"include_usage": True}}
    with ScriptedModel([tools(call("a", '{"x": 1}', piece_chars=3), text="so")]) as model:
        lines = [line for line in asked(model.base_url, **streaming).text.splitlines() if line]
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert lines[-1] == "data: [DONE]"
    assert events[-1]["usage"]["completion_tokens"] == 3
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert len(events) == 1 + 1 + 4 + 1 + 1


def test_keys_and_names_are_those_of_a_provider() -> None:
    """A wrong key gets 401, the list of models is served, and other paths are not found."""
    with ScriptedModel([], api_key="k", names=("deep", "shallow")) as model:
        listed = httpx.get(f"{model.base_url}/models", headers={"Authorization": "Bearer k"})
        refused = httpx.get(f"{model.base_url}/models")
        missing = httpx.get(f"{model.base_url}/files", headers={"Authorization": "Bearer k"})
    assert [each["id"] for each in listed.json()["data"]] == ["deep", "shallow"]
    assert (refused.status_code, missing.status_code) == (401, 404)


async def test_a_gate_holds_a_reply_until_it_is_opened() -> None:
    """A test waits for the request to arrive, acts, and opens the gate."""
    gate = Gate()
    with ScriptedModel([text("late").gated(gate)]) as model:
        asking = asyncio.ensure_future(asyncio.to_thread(asked, model.base_url))
        await model.requested(1)
        await gate.reached()
        assert not asking.done()
        gate.open()
        assert content(await asking) == "late"


def test_the_built_in_script_plans_reads_reports_and_answers() -> None:
    """Benchmarks get a plan of five steps, a read and a report for each, and an answer."""
    told: JsonValue = [{"role": "tool", "content": "[]"}]
    with ScriptedModel(organise) as model:
        replies = [
            asked(model.base_url, tools=offering("list_tasks", "create_plan")),
            asked(model.base_url, tools=offering("search_notes", "submit_result")),
            asked(model.base_url, tools=offering("search_notes", "submit_result"), messages=told),
        ]
        answer = content(asked(model.base_url))
    calls = [reply.json()["choices"][0]["message"]["tool_calls"][0]["function"] for reply in replies]
    assert [each["name"] for each in calls] == ["create_plan", "search_notes", "submit_result"]
    assert len(json.loads(calls[0]["arguments"])["steps"]) == 5
    assert "overdue" in answer
