"""The spans of turns that do not go straight on: a pause, a planner's own step, a stop in the middle."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from openinference.instrumentation import TraceConfig, TracerProvider
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from graph.turn import run_turn
from persistence.pools import Database
from server.tracing.span_handler import SpanHandler
from tests.approving import asks_first, go_on
from tests.conftest import Person
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Reply, call, text, tools
from tests.turns import Desk, desk, plan, step

WRITES: Final = call("create_task", {"title": "Water the plants"})


@asynccontextmanager
async def watched(
    database: Database, person: Person, script: list[Reply], *, hide: bool = False
) -> AsyncGenerator[tuple[Desk, InMemorySpanExporter]]:
    """Give a desk whose runs are shown as spans."""
    kept = InMemorySpanExporter()
    config = TraceConfig(hide_inputs=hide, hide_outputs=hide, enable_genai_semconv=True)
    provider = TracerProvider(config=config, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")

    def listeners(request: str) -> list[BaseCallbackHandler]:
        return [SpanHandler(tracer, config, request)]

    async with desk(database, person, script) as at:
        at.engine = replace(at.engine, listeners=listeners)
        yield at, kept


def told(span: ReadableSpan) -> dict[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})


async def test_a_pause_fails_nothing_and_its_run_goes_on_in_a_trace_of_its_own(
    database: Database, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """Both traces carry the id of the one run; no span of either has failed."""
    async with watched(database, person, [tools(WRITES), text("It is done.")]) as (at, kept):
        await asks_first(at)
        turn = await at.ask("Remember the plants")
        await go_on(at, turn)
    spans = kept.get_finished_spans()
    roots = [span for span in spans if span.parent is None]
    assert [told(root)["planwright.run.id"] for root in roots] == [str(turn.run.id)] * 2
    assert "output.value" not in told(roots[0])
    assert told(roots[1])["output.value"] == "It is done."
    assert [span.name for span in spans if not span.status.is_ok] == []
    assert sum(span.name == "execute_tool create_task" for span in spans) == 2, "asked about, then run"
    assert "callback" not in caplog.text, "a listener that fails is told of in the log, and nowhere else"


@pytest.mark.parametrize(("hide", "title"), [(False, "planner: Do part 1."), (True, "planner: step 1")])
async def test_a_planners_own_step_is_its_own(database: Database, person: Person, title: str, *, hide: bool) -> None:
    """It stands under its name, or under its number where the name would tell a text."""
    script = [plan(step(1, by="planner", tool="create_task")), tools(WRITES), text("Written."), text("Done.")]
    async with watched(database, person, script, hide=hide) as (at, kept):
        await at.ask("Put my house in order")
    spans = kept.get_finished_spans()
    [agent] = [span for span in spans if span.name == title]
    assert told(agent)["agent.name"] == "planner"
    assert agent.parent is not None
    inside = [span for span in spans if span.parent is not None and span.parent == agent.context]
    kinds = [told(span)["openinference.span.kind"] for span in inside]
    assert kinds == ["LLM", "LLM", "TOOL", "LLM"], "the second is the question what the request may change"
    assert any("Do part 1" in str(told(span)) for span in spans) is not hide


async def test_a_run_that_is_stopped_leaves_nothing_open(database: Database, person: Person) -> None:
    """Every span that began has ended, the model call and what it was part of as cut off."""
    gate = Gate()
    async with watched(database, person, [text("Never told.").gated(gate)]) as (at, kept):
        turn = asyncio.create_task(run_turn(at.engine, await at.claim(await at.accept("Wait")), at.hear))
        await gate.reached()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        gate.open()
    ended = {span.name: told(span).get("error.type") for span in kept.get_finished_spans()}
    assert ended == {
        "load_context": None,
        "chat deep": "CancelledError",
        "decide": "CancelledError",
        "planwright": "CancelledError",
    }
