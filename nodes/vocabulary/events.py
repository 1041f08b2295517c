"""The twelve events of a run: the only thing that streams, and its wire format.

The JSON is what `docs/events.md` shows. Names inside `plan`, `step`, `analysis`
and `result` are camelCase and those of `usage`, `tool_call` and `session` are
snake_case, because the documented front ends expect exactly that.
"""

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, TypeAdapter
from pydantic.alias_generators import to_camel

from persistence.text import shortened


class Strategy(StrEnum):
    """How a request is handled."""

    SIMPLE = "simple"
    TOOL_USE = "tool_use"
    COMPLEX = "complex"


class StepStatus(StrEnum):
    """Where a step of a plan stands."""

    PENDING = "pending"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class PlanStatus(StrEnum):
    """Where a plan stands; never `completed` when a step failed."""

    PENDING = "pending"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"


class FinishedReason(StrEnum):
    """Why a run ended with an answer."""

    STOP = "stop"
    CANCELLED = "cancelled"
    APPROVAL_REQUIRED = "approval_required"
    BUDGET_EXHAUSTED = "budget_exhausted"


class _AsItIs:
    """Neither looked at nor copied, but described as what it is."""

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> Any:  # noqa: ANN401
        return handler(Any)

    def __get_pydantic_json_schema__(self, _schema: object, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(_JSON_VALUE.core_schema)


_JSON_VALUE: Final = TypeAdapter[JsonValue](JsonValue)
Data = Annotated[JsonValue, _AsItIs()]  # JSON of our own or of our tables: what it is was seen when it came in


class _Camel(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True, frozen=True
    )


class _Snake(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Camel):
    """One step of a plan, with what came of it."""

    step_number: int
    type: str
    description: str
    executor_required: bool
    tools: list[str]
    depends_on: list[int]
    status: StepStatus = StepStatus.PENDING
    result: Data = None
    error: str | None = None


class Plan(_Camel):
    """A plan as it is stored, one revision of it."""

    id: UUID
    session_id: UUID
    user_message: str
    strategy: Strategy
    steps: list[Step]
    status: PlanStatus
    revision: int
    created_at: datetime


class AnalysisBody(_Camel):
    """How the request is handled, and why."""

    strategy: Strategy
    reasoning: str
    estimated_operations: int
    requires_tools: bool
    requires_executors: bool


class ExecutorTask(_Camel):
    """What an executor is told: its task, never the conversation."""

    id: UUID
    description: str
    goal: str
    constraints: list[str]
    context_data: dict[str, Data] | None = None


class ExecutorOutcome(_Camel):
    """What an executor brought back, and what it cost."""

    executor_id: UUID
    success: bool
    data: dict[str, Data] | None = None
    error: str | None = None
    tool_calls_made: int
    tokens_used: int
    duration_ms: int


class FunctionCall(_Snake):
    """The function and the raw argument text of a tool call."""

    name: str
    arguments: str


class ToolCallBody(_Snake):
    """A tool call; its id is the ledger's."""

    id: UUID
    type: Literal["function"] = "function"
    function: FunctionCall


class ToolResultBody(_Snake):
    """What a tool call came to."""

    tool_call_id: UUID
    success: bool
    result: dict[str, Data] | None = None
    error: str | None = None
    duration_ms: int


class SessionBody(_Snake):
    """The session's row."""

    id: UUID
    title: str
    context_type: str
    entity_id: UUID | None = None
    approvals: str
    status: str
    message_count: int
    last_message_at: datetime
    created_at: datetime
    updated_at: datetime


class RunRef(_Snake):
    """The run that the stream tells of, and how many runs of its session came before it when it was accepted."""

    id: UUID
    queue_place: int = 0


class UsageBody(_Snake):
    """The tokens of a run, summed over every model call in it."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChangeBody(BaseModel):
    """One field, from what it is to what it will be; left out where there is nothing."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    field: str
    before: Data = Field(default=None, validation_alias="from", serialization_alias="from")
    after: Data = Field(default=None, validation_alias="to", serialization_alias="to")


class AwaitedCall(_Snake):
    """A call that a person decides on.

    `target` says in words what it is about. `unknown`: it has begun before, and
    whether it took effect is not known; to approve it is to run it again.
    """

    id: UUID
    tool: str
    target: str
    arguments: dict[str, Data]
    changes: list[ChangeBody]
    unknown: bool = False


class ApprovalBody(_Snake):
    """What a run waits for. A decision names the digest, so that it is on exactly these calls."""

    id: UUID
    digest: str
    expires_at: datetime
    calls: list[AwaitedCall]


class SessionOpened(_Snake):
    """First in every stream."""

    type: Literal["session"] = "session"
    session: SessionBody
    run: RunRef


class Analysed(_Snake):
    """The decision is known; precedes the first text."""

    type: Literal["analysis"] = "analysis"
    analysis: AnalysisBody


class PlanCreated(_Snake):
    """A plan is stored; again with a higher revision after a replan."""

    type: Literal["plan_created"] = "plan_created"
    plan: Plan


class StepStarted(_Snake):
    """A step began."""

    type: Literal["step_start"] = "step_start"
    step: Step


class StepCompleted(_Snake):
    """A step ended: completed, failed or skipped."""

    type: Literal["step_complete"] = "step_complete"
    step: Step


class ExecutorSpawned(_Camel):
    """An executor began its step."""

    type: Literal["executor_spawned"] = "executor_spawned"
    executor_id: UUID
    task: ExecutorTask
    step_number: int


class ExecutorReturned(_Camel):
    """An executor ended."""

    type: Literal["executor_result"] = "executor_result"
    executor_id: UUID
    step_number: int
    result: ExecutorOutcome


class TextSaid(_Snake):
    """A piece of the planner's answer."""

    type: Literal["text"] = "text"
    content: str


class ToolCalled(BaseModel):
    """A tool call began; with `executorId` and `stepNumber` when an executor made it."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    type: Literal["tool_call"] = "tool_call"
    tool_call: ToolCallBody
    executor_id: UUID | None = Field(default=None, validation_alias="executorId", serialization_alias="executorId")
    step_number: int | None = Field(default=None, validation_alias="stepNumber", serialization_alias="stepNumber")


class ToolReturned(BaseModel):
    """A tool call ended."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    type: Literal["tool_result"] = "tool_result"
    tool_result: ToolResultBody
    executor_id: UUID | None = Field(default=None, validation_alias="executorId", serialization_alias="executorId")
    step_number: int | None = Field(default=None, validation_alias="stepNumber", serialization_alias="stepNumber")


class Done(_Snake):
    """The run ended with an answer: nothing follows. With an `approval` it only waits, and goes on behind this."""

    type: Literal["done"] = "done"
    usage: UsageBody
    finished_reason: FinishedReason
    approval: ApprovalBody | None = None


class Failed(_Snake):
    """The run ended without an answer. Terminal: nothing follows."""

    type: Literal["error"] = "error"
    error: str
    code: str
    retryable: bool


Event = Annotated[
    SessionOpened
    | Analysed
    | PlanCreated
    | StepStarted
    | StepCompleted
    | ExecutorSpawned
    | ExecutorReturned
    | TextSaid
    | ToolCalled
    | ToolReturned
    | Done
    | Failed,
    Field(discriminator="type"),
]
EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)
TERMINAL_TYPES: Final = frozenset({"done", "error"})


EVENT_MAX_BYTES: Final = 32 * 1024  # unless an operator says otherwise; the tables have the whole of it
TEXT_CAPS_CHARS: Final = (8_000, 2_000, 500, 120)  # tried in turn; ids and times stay whole under each


def encoded(event: Event, most_bytes: int = EVENT_MAX_BYTES) -> str:
    """Return the event as one line of JSON; absent fields are left out, not null.

    Of an event that would be too large, the longest texts are cut, all to one length.
    """
    line = EVENT.dump_json(event, by_alias=True, exclude_none=True).decode()
    for cap_chars in TEXT_CAPS_CHARS:
        if len(line.encode()) <= most_bytes:
            break
        line = json.dumps(_cut(json.loads(line), cap_chars), ensure_ascii=False, separators=(",", ":"))
    return line


def _cut(value: JsonValue, cap_chars: int) -> JsonValue:
    if isinstance(value, str):
        return shortened(value, cap_chars)
    if isinstance(value, list):
        return [_cut(item, cap_chars) for item in value]
    if isinstance(value, dict):
        return {name: _cut(inner, cap_chars) for name, inner in value.items()}
    return value
