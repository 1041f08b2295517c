"""What is said of spans, by OpenInference's names; at their end those of the GenAI conventions are derived from them.

What people and models wrote is told by the functions whose names end in `texts`, and by no others.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from openinference.instrumentation import (
    Message,
    PromptDetails,
    TokenCount,
    ToolCall,
    ToolCallFunction,
    get_input_attributes,
    get_llm_attributes,
    get_output_attributes,
)
from openinference.instrumentation import Tool as OfferedTool
from openinference.semconv.trace import SpanAttributes
from opentelemetry.util.types import AttributeValue

Attributes = Mapping[str, AttributeValue]

RUN_ID: Final = "planwright.run.id"
PLAN_ID: Final = "planwright.plan.id"
STEP_NUMBER: Final = "planwright.step.number"
STREAMED: Final = "gen_ai.request.stream"
FIRST_CHUNK_SECONDS: Final = "gen_ai.response.time_to_first_chunk"
RESPONSE_MODEL: Final = "gen_ai.response.model"
CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
REASONING_TOKENS: Final = SpanAttributes.LLM_TOKEN_COUNT_COMPLETION_DETAILS_REASONING
ERROR_TYPE: Final = "error.type"

PLACES: Final = {"run": RUN_ID, "session": SpanAttributes.SESSION_ID, "plan": PLAN_ID, "step": STEP_NUMBER}
ROLES: Final = {"ai": "assistant", "AIMessageChunk": "assistant", "human": "user"}  # LangChain's, everybody's
PARAMETERS: Final = frozenset({"max_tokens", "max_completion_tokens", "temperature", "top_p", "stop"})


def place(tags: Iterable[str]) -> dict[str, str | int]:
    """Return whose work it is, session, run, plan and step, from the words that `nodes.vocabulary.tracing` makes."""
    told = (word.partition(":") for word in tags)
    found = {PLACES[kind]: value for kind, _, value in told if kind in PLACES}
    step = found.pop(STEP_NUMBER, None)
    return {**found} if step is None else {**found, STEP_NUMBER: int(step)}


def asked(model: str, provider: str, parameters: Mapping[str, Any]) -> Attributes:
    """Return which model is asked, and how."""
    known = {name: value for name, value in parameters.items() if name in PARAMETERS and value is not None}
    return get_llm_attributes(
        provider=provider, system=provider, model_name=model, request_model_name=model, invocation_parameters=known
    )


def asked_texts(messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> Attributes:
    """Return what a model is asked, and the tools it is offered."""
    offered = [OfferedTool(json_schema=dict(tool), name=str(tool.get("function", tool).get("name"))) for tool in tools]
    return get_llm_attributes(input_messages=[_message(message) for message in messages], tools=offered)


def answered(message: AIMessage) -> Attributes:
    """Return which model answered, how it came to its end, and the provider's count of tokens."""
    attributes = dict(get_llm_attributes(token_count=_tokens(message)))
    if message.usage_metadata is not None:
        thought = message.usage_metadata.get("output_token_details", {}).get("reasoning")
        attributes.update({} if thought is None else {REASONING_TOKENS: thought})
    if model := message.response_metadata.get("model_name"):
        attributes.update({SpanAttributes.LLM_RESPONSE_MODEL_NAME: model, RESPONSE_MODEL: model})
    if reason := message.response_metadata.get("finish_reason"):
        attributes[SpanAttributes.LLM_FINISH_REASON] = reason
    return attributes


def answered_texts(message: AIMessage) -> Attributes:
    """Return what a model said and which calls it wants."""
    said = get_output_attributes(str(message.text)) if message.text else {}
    return {**said, **get_llm_attributes(output_messages=[_message(message)])}


def called(tool: str) -> Attributes:
    """Return which tool is called."""
    return {SpanAttributes.TOOL_NAME: tool}


def called_texts(arguments: str) -> Attributes:
    """Return what a tool is called with, the JSON that the model wrote."""
    return {**get_input_attributes(arguments, mime_type="application/json"), CALL_ARGUMENTS: arguments}


def returned_texts(answer: str) -> Attributes:
    """Return what a tool answered, as the model reads it."""
    return get_output_attributes(answer)


def _message(message: BaseMessage) -> Message:
    shown = Message(role=ROLES.get(message.type, message.type), content=str(message.text))
    if isinstance(message, ToolMessage):
        shown["tool_call_id"] = message.tool_call_id
    if isinstance(message, AIMessage) and message.tool_calls:
        shown["tool_calls"] = [
            ToolCall(id=call["id"] or "", function=ToolCallFunction(name=call["name"], arguments=call["args"]))
            for call in message.tool_calls
        ]
    return shown


def _tokens(message: AIMessage) -> TokenCount | None:
    usage = message.usage_metadata
    if usage is None:
        return None
    count = TokenCount(prompt=usage["input_tokens"], completion=usage["output_tokens"], total=usage["total_tokens"])
    if (cached := usage.get("input_token_details", {}).get("cache_read")) is not None:
        count["prompt_details"] = PromptDetails(cache_read=cached)
    return count
