"""A run as spans: what LangChain's callbacks tell of it.

OpenInference's own instrumentation of LangChain would tell titles and the texts of errors whatever is to be hidden,
and patch every callback manager of the process: docs/decisions/0023-opentelemetry.md.
"""

import time
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langgraph.errors import GraphBubbleUp
from openinference.instrumentation import OITracer, TraceConfig, get_input_attributes, get_output_attributes
from openinference.semconv.trace import OpenInferenceSpanKindValues as Kind
from openinference.semconv.trace import SpanAttributes
from typing_extensions import override

from server.tracing.span_attributes import (
    FIRST_CHUNK_SECONDS,
    STEP_NUMBER,
    STREAMED,
    answered,
    answered_texts,
    asked,
    asked_texts,
    called,
    called_texts,
    place,
    returned_texts,
)
from server.tracing.span_tree import SpanTree

RUN: Final = "planwright"


class SpanHandler(AsyncCallbackHandler):
    """Shows one run: its nodes, the agents at its steps, their model calls and their tool calls."""

    def __init__(self, tracer: OITracer, config: TraceConfig, request: str) -> None:
        self._config: Final = config
        self._request: Final = request
        self._tree: Final = SpanTree(tracer)
        self._asked_at: Final[dict[UUID, float]] = {}  # by the monotonic clock: the calls of which nothing has come yet
        self._said = ""  # by the planner, last: in the end it is the answer

    @override
    async def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin the run, a node or an agent's work on a step; what LangGraph does between nodes is not shown."""
        name, where, above = str(kwargs.get("name")), place(tags or []), self._tree.find(parent_run_id)
        if above is None:
            span = self._tree.begin(run_id, RUN, Kind.AGENT, None, where)
            span.set_attribute(SpanAttributes.AGENT_NAME, RUN)
            if not self._config.hide_inputs:
                span.set_attributes(get_input_attributes(self._request))
        elif STEP_NUMBER in where and not above.in_step:
            who = name.partition(":")[0]
            title = f"{who}: step {where[STEP_NUMBER]}" if self._config.hide_inputs else name
            self._tree.begin(run_id, title, Kind.AGENT, above, where).set_attribute(SpanAttributes.AGENT_NAME, who)
        elif name == (metadata or {}).get("langgraph_node"):
            self._tree.begin(run_id, name, Kind.CHAIN, above, where).set_attribute(SpanAttributes.GRAPH_NODE_ID, name)
        else:
            self._tree.pass_over(run_id, above)

    @override
    async def on_chain_end(self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **_: Any) -> None:
        """End what began; with the run, everything."""
        self._end(run_id, parent_run_id, None)

    @override
    async def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **_: Any
    ) -> None:
        """End what failed. To wait for a person is no failure."""
        self._end(run_id, parent_run_id, None if isinstance(error, GraphBubbleUp) else error)

    @override
    async def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin a model call."""
        known, parameters = metadata or {}, dict[str, Any](kwargs.get("invocation_params") or {})
        model = str(known.get("ls_model_name") or parameters.get("model_name") or parameters.get("_type"))
        above = self._tree.find(parent_run_id)
        span = self._tree.begin(run_id, f"chat {model}", Kind.LLM, above, place(tags or []))
        span.set_attributes(asked(model, str(known.get("ls_provider") or RUN), parameters))
        if not self._config.hide_inputs:
            span.set_attributes(asked_texts(messages[0], parameters.get("tools") or []))
        self._asked_at[run_id] = time.monotonic()

    @override
    async def on_llm_new_token(self, token: str | list[str | dict[str, Any]], *, run_id: UUID, **_: Any) -> None:
        """Note when a streamed answer began to come."""
        call, asked_at = self._tree.find(run_id), self._asked_at.pop(run_id, None)
        if call is not None and asked_at is not None:
            call.span.set_attributes({STREAMED: True, FIRST_CHUNK_SECONDS: time.monotonic() - asked_at})

    @override
    async def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """End a model call with its answer, and with what it cost."""
        generation, call = response.generations[0][0], self._tree.find(run_id)
        assert isinstance(generation, ChatGeneration), "only chat models are asked"
        message = generation.message
        assert isinstance(message, AIMessage), "a chat model answers with its own message"
        if call is not None:
            call.span.set_attributes(answered(message))
            if not self._config.hide_outputs:
                call.span.set_attributes(answered_texts(message))
            if not call.in_step:
                self._said = str(message.text) or self._said
        self._end_call(run_id, None)

    @override
    async def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """End a model call that brought no answer."""
        self._end_call(run_id, error)

    @override
    async def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Begin a tool call."""
        tool, above = str(serialized["name"]), self._tree.find(parent_run_id)
        span = self._tree.begin(run_id, f"execute_tool {tool}", Kind.TOOL, above, place(tags or []))
        span.set_attributes(called(tool))
        if not self._config.hide_inputs:
            span.set_attributes(called_texts(input_str))

    @override
    async def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        """End a tool call with its answer."""
        call = self._tree.find(run_id)
        if call is not None and not self._config.hide_outputs:
            call.span.set_attributes(returned_texts(str(output)))
        self._tree.end(run_id)

    @override
    async def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """End a tool call that failed."""
        self._tree.end(run_id, error)

    def _end(self, run_id: UUID, parent_run_id: UUID | None, error: BaseException | None) -> None:
        if parent_run_id is not None:
            self._tree.end(run_id, error)
            return
        root = self._tree.find(run_id)
        if root is not None and self._said and not self._config.hide_outputs:
            root.span.set_attributes(get_output_attributes(self._said))
        self._tree.end_all(error)

    def _end_call(self, run_id: UUID, error: BaseException | None) -> None:
        call = self._tree.find(run_id)
        if call is not None and self._asked_at.pop(run_id, None) is not None:
            call.span.set_attribute(STREAMED, value=False)
        self._tree.end(run_id, error)
