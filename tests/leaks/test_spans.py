"""OpenTelemetry: off unless an operator switches it on, what its spans tell and hide, and that it holds nothing up."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
import pytest

from server import __version__
from tests.leaks.installation import HEADER, IN_ORDER, Installation, answer, installation, secrets
from tests.leaks.span_receiver import Receiver, Span, receiving
from tests.leaks.test_tracing import MESSAGE, STOPPED_WITHIN_SECONDS, asked
from tests.scripted_model.demo import ANSWER, GATHERING, RESULT
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Reply
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script

SHOWN: Final = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}
KEY: Final = "canary-of-a-collector-key"
ASKS_ANOTHER: Final = 3  # the kind of a span that waits for another program, by the protocol
OURS: Final = "SpanHandler"  # in a log it means that the handler failed: LangChain says so, and goes on
SUMMARY: Final = "Four tasks are overdue"


@contextmanager
def sending(
    server_dsn: str, folder: Path, address: str, script: Script = answer, /, **settings: str
) -> Generator[Installation]:
    """Start a server that is told to send spans somewhere."""
    switched_on = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={KEY}"}
    with installation(server_dsn, str(folder), script, **switched_on, **settings) as here:
        yield here


def side_by_side() -> Script:
    """Return the usual script, in which the first four executors are answered when all of them have asked."""
    gate, arrivals = Gate(), count(1)

    def script(request: ChatRequest) -> Reply:
        if RESULT not in request.offered or request.last_role == "tool":
            return answer(request)
        if next(arrivals) == len(GATHERING):
            gate.open()
        return answer(request).gated(gate)

    return script


@dataclass(frozen=True)
class Observed:
    """A complex run: its spans, its events, and what the ledger of model calls says, prompt and answer of each."""

    receiver: Receiver
    events: list[dict[str, Any]]
    ledger: list[tuple[int, int]]

    @property
    def steps(self) -> dict[object, Span]:
        """Return the agents at their steps, by number."""
        agents = [span for span in self.receiver.of("AGENT") if span.parent_id]
        return {span.attributes["planwright.step.number"]: span for span in agents}


@pytest.fixture(scope="module")
def observed(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """Give a run whose spans show texts."""
    folder = tmp_path_factory.mktemp("observed")
    with receiving() as receiver, sending(server_dsn, folder, receiver.address, side_by_side(), **SHOWN) as here:
        events = asked(here, IN_ORDER)
        assert OURS not in here.stopped()
        with psycopg.connect(here.dsn) as admin:
            rows = admin.execute("select prompt_tokens, completion_tokens from planwright.model_usage").fetchall()
    return Observed(receiver, events, [(row[0], row[1]) for row in rows])


def test_without_the_variables_nobody_listens_and_nothing_is_imported(server_dsn: str, tmp_path: Path) -> None:
    """A server whose environment says nothing of it, or says no, sends nothing where spans usually go."""
    with receiving() as receiver:
        off = {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.address}
        with installation(server_dsn, str(tmp_path), **off) as here:
            assert asked(here, MESSAGE)[-1]["type"] == "done"
            here.stopped()
    assert receiver.sent == []


def test_spans_show_a_complex_run_as_a_tree(observed: Observed) -> None:
    """Nodes under the run, executors under their node, and under each executor its models and its tool."""
    receiver = observed.receiver
    [root] = receiver.named("planwright")
    assert {span.trace_id for span in receiver.in_order()} == {root.trace_id}
    nodes = receiver.of("CHAIN")
    assert {span.parent_id for span in nodes} == {root.id}
    assert [span.name for span in nodes] == ["load_context", "decide", "make_plan", "run_plan", "synthesise", "finish"]
    assert {f"executor: Read the person's {tool}." for tool in GATHERING} < {
        span.name for span in observed.steps.values()
    }
    assert set(observed.steps) == {1, 2, 3, 4, 5}
    for executor in observed.steps.values():
        assert receiver.above(executor)[-1] == "planwright"
        assert [span.sort for span in receiver.below(executor)] == ["LLM", "TOOL", "LLM"]
    assert {span.name for span in receiver.of("TOOL")} == {f"execute_tool {tool}" for tool in GATHERING}
    assert not any(span.failed for span in receiver.in_order())
    assert receiver.resources == [{"service.name": "planwright", "service.version": __version__}]


def test_parallel_executors_are_told_apart(observed: Observed) -> None:
    """The first four steps go on at one time, each with model calls of its own; the fifth begins behind them."""
    *first, last = (observed.steps[number] for number in range(1, 6))
    assert all(one.overlaps(other) for one, other in combinations(first, 2))
    assert all(each.ended <= last.began for each in first)
    for number, executor in observed.steps.items():
        for span in observed.receiver.below(executor):
            assert span.attributes["planwright.step.number"] == number
            assert executor.began <= span.began <= span.ended <= executor.ended


def test_every_span_says_whose_work_it_is(observed: Observed) -> None:
    """Its run and session, an executor's its plan too, as those that the events name."""
    begun = observed.events[0]
    [plan_id] = {event["plan"]["id"] for event in observed.events if event["type"] == "plan_created"}
    for span in observed.receiver.in_order():
        assert span.attributes["planwright.run.id"] == begun["run"]["id"]
        assert span.attributes["session.id"] == span.attributes["gen_ai.conversation.id"] == begun["session"]["id"]
    assert {span.attributes["planwright.plan.id"] for span in observed.steps.values()} == {plan_id}


def test_model_calls_speak_both_conventions(observed: Observed) -> None:
    """Model, provider, messages, offered tools, what was wanted, why it ended, and whether it was streamed."""
    calls = observed.receiver.of("LLM")
    planned, answered = calls[0], calls[-1]
    assert {(span.name, span.kind) for span in calls} == {("chat deep", ASKS_ANOTHER)}
    for span in calls:
        told = span.attributes
        assert (told["gen_ai.operation.name"], told["gen_ai.provider.name"], told["llm.provider"]) == (
            "chat",
            "openai",
            "openai",
        )
        assert told["gen_ai.request.model"] == told["llm.model_name"] == told["gen_ai.response.model"] == "deep"
        assert told["gen_ai.request.max_tokens"] in {2000, 4000}
        assert IN_ORDER in str(told["gen_ai.input.messages"])
    assert planned.attributes["llm.output_messages.0.message.tool_calls.0.tool_call.function.name"] == "create_plan"
    assert '"create_plan"' in str(planned.attributes["gen_ai.tool.definitions"])
    assert planned.attributes["llm.finish_reason"] == "tool_calls"
    assert answered.attributes["output.value"] == answered.attributes["llm.output_messages.0.message.content"] == ANSWER
    assert answered.attributes["llm.output_messages.0.message.role"] == "assistant"
    assert answered.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert answered.attributes["gen_ai.request.stream"] is True
    assert float(str(answered.attributes["gen_ai.response.time_to_first_chunk"])) > 0
    inside = [span for span in calls if "planwright.step.number" in span.attributes]
    assert {span.attributes["gen_ai.request.stream"] for span in inside} == {False}


def test_tool_calls_and_agents_speak_both_conventions(observed: Observed) -> None:
    """A tool's name, arguments and result; an agent's name; a run's request and answer."""
    for span in observed.receiver.of("TOOL"):
        told = span.attributes
        assert told["gen_ai.operation.name"] == "execute_tool"
        assert told["tool.name"] == told["gen_ai.tool.name"] == span.name.removeprefix("execute_tool ")
        assert told["input.value"] == told["gen_ai.tool.call.arguments"] == "{}"
        assert told["output.value"] == told["gen_ai.tool.call.result"]
        assert "message" in str(told["output.value"])
    assert {span.attributes["gen_ai.agent.name"] for span in observed.steps.values()} == {"executor"}
    [root] = observed.receiver.named("planwright")
    assert (root.attributes["input.value"], root.attributes["output.value"]) == (IN_ORDER, ANSWER)
    assert root.attributes["gen_ai.operation.name"] == "invoke_agent"


def test_tokens_are_those_of_the_ledger(observed: Observed) -> None:
    """Call by call, under both conventions."""
    calls = [span.attributes for span in observed.receiver.of("LLM")]
    told = [(call["gen_ai.usage.input_tokens"], call["gen_ai.usage.output_tokens"]) for call in calls]
    assert sorted(map(str, told)) == sorted(map(str, observed.ledger))
    assert told == [(call["llm.token_count.prompt"], call["llm.token_count.completion"]) for call in calls]


def test_texts_are_left_out_unless_they_are_asked_for(server_dsn: str, tmp_path: Path) -> None:
    """Neither keys nor texts, nor what a client's headers wanted in; executors go by the numbers of their steps."""
    headers = {"baggage": f"a={HEADER}", "traceparent": f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"}
    with receiving() as receiver, sending(server_dsn, tmp_path, receiver.address) as here:
        for message in (MESSAGE, f"wrong key {MESSAGE}", f"crash inside {MESSAGE}", f"{IN_ORDER}: {MESSAGE}"):
            asked(here, message, **headers)
        said = here.stopped()
    sent = b"\n".join(receiver.sent)
    hidden = [*secrets(), KEY, MESSAGE, HEADER, ANSWER, SUMMARY, "Read the person", "You are the planner"]
    assert [canary for canary in hidden if canary.encode() in sent] == []
    assert KEY not in said
    assert KEY in receiver.headers[0]
    assert headers["traceparent"][3:35] not in {span.trace_id.hex() for span in receiver.in_order()}
    titles = {span.name for span in receiver.of("AGENT")}
    assert titles == {"planwright", *(f"executor: step {number}" for number in range(1, 6))}
    assert "list_tasks" in {span.attributes["tool.name"] for span in receiver.of("TOOL")}


def test_a_setting_hides_what_was_asked_for(server_dsn: str, tmp_path: Path) -> None:
    """OpenInference's own variables hide one side of what is shown otherwise."""
    shown = {**SHOWN, "OPENINFERENCE_HIDE_INPUTS": "true"}
    with receiving() as receiver, sending(server_dsn, tmp_path, receiver.address, **shown) as here:
        asked(here, MESSAGE)
        here.stopped()
    sent = b"\n".join(receiver.sent)
    assert MESSAGE.encode() not in sent
    assert b"Fine." in sent


def test_a_failure_is_told_by_its_kind(server_dsn: str, tmp_path: Path) -> None:
    """A model that refuses fails its call, its node and the run, by our code and without the provider's words."""
    with receiving() as receiver, sending(server_dsn, tmp_path, receiver.address, **SHOWN) as here:
        assert asked(here, "wrong key")[-1]["type"] == "error"
        here.stopped()
    failed = [span for span in receiver.in_order() if span.failed]
    assert [span.name for span in failed] == ["planwright", "decide", "chat deep"]
    assert {span.attributes["error.type"] for span in failed} == {"model_misconfigured"}
    assert [secret for secret in secrets() if secret.encode() in b"\n".join(receiver.sent)] == []


def test_what_is_not_sampled_is_not_sent(server_dsn: str, tmp_path: Path) -> None:
    """The standard sampler can leave runs out, and they run as well."""
    off = {"OTEL_TRACES_SAMPLER": "always_off"}
    with receiving() as receiver, sending(server_dsn, tmp_path, receiver.address, **off) as here:
        assert asked(here, IN_ORDER)[-1]["type"] == "done"
        assert OURS not in here.stopped()
    assert receiver.sent == []


def test_an_endpoint_where_nobody_listens_costs_runs_nothing(server_dsn: str, tmp_path: Path) -> None:
    """The server answers, says in its log that spans are lost, and stops."""
    with sending(server_dsn, tmp_path, "http://127.0.0.1:9") as here:
        assert asked(here, MESSAGE)[-1]["type"] == "done"
        said = here.stopped(STOPPED_WITHIN_SECONDS)
        assert here.process.returncode == 0
    assert "opentelemetry.exporter.otlp" in said
    assert KEY not in said


def test_an_endpoint_that_takes_and_never_answers_holds_no_stop_up(server_dsn: str, tmp_path: Path) -> None:
    """What is left to send is given up after some seconds."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with sending(server_dsn, tmp_path, address, OTEL_BSP_SCHEDULE_DELAY="1") as here:
            assert asked(here, IN_ORDER)[-1]["type"] == "done"
            here.stopped(STOPPED_WITHIN_SECONDS)
            assert here.process.returncode == 0
