"""The twelve events as the documents show them."""

import json
from datetime import UTC, datetime
from typing import Final, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from nodes.vocabulary.events import (
    EVENT,
    EVENT_MAX_BYTES,
    TERMINAL_TYPES,
    Analysed,
    AnalysisBody,
    Done,
    Event,
    ExecutorOutcome,
    ExecutorReturned,
    ExecutorSpawned,
    ExecutorTask,
    Failed,
    FinishedReason,
    FunctionCall,
    Plan,
    PlanCreated,
    PlanStatus,
    RunRef,
    SessionBody,
    SessionOpened,
    Step,
    StepCompleted,
    StepStarted,
    StepStatus,
    Strategy,
    TextSaid,
    ToolCallBody,
    ToolCalled,
    ToolResultBody,
    ToolReturned,
    UsageBody,
    encoded,
)
from tests.told import PAUSE

ID: Final = UUID(int=1)
TOLD_ID: Final = "00000000-0000-0000-0000-000000000001"
MOMENT: Final = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TOLD_MOMENT: Final = "2026-11-22T09:00:00Z"

STEP: Final = Step(
    step_number=1, type="gather", description="Look.", executor_required=True, tools=["list_tasks"], depends_on=[]
)
TOLD_STEP: Final[dict[str, JsonValue]] = {
    "stepNumber": 1,
    "type": "gather",
    "description": "Look.",
    "executorRequired": True,
    "tools": ["list_tasks"],
    "dependsOn": [],
    "status": "pending",
}
CALL: Final = ToolCallBody(id=ID, function=FunctionCall(name="list_tasks", arguments='{"limit": 5}'))
TOLD_CALL: Final[JsonValue] = {
    "id": TOLD_ID,
    "type": "function",
    "function": {"name": "list_tasks", "arguments": '{"limit": 5}'},
}
RESULT: Final = ToolResultBody(tool_call_id=ID, success=True, result={"message": "5 tasks"}, duration_ms=7)
TOLD_RESULT: Final[JsonValue] = {
    "tool_call_id": TOLD_ID,
    "success": True,
    "result": {"message": "5 tasks"},
    "duration_ms": 7,
}

DOCUMENTED: Final[list[tuple[Event, JsonValue]]] = [
    (
        SessionOpened(
            session=SessionBody(
                id=ID,
                title="Hello",
                context_type="project",
                entity_id=ID,
                approvals="auto",
                status="active",
                message_count=1,
                last_message_at=MOMENT,
                created_at=MOMENT,
                updated_at=MOMENT,
            ),
            run=RunRef(id=ID),
        ),
        {
            "type": "session",
            "session": {
                "id": TOLD_ID,
                "title": "Hello",
                "context_type": "project",
                "entity_id": TOLD_ID,
                "approvals": "auto",
                "status": "active",
                "message_count": 1,
                "last_message_at": TOLD_MOMENT,
                "created_at": TOLD_MOMENT,
                "updated_at": TOLD_MOMENT,
            },
            "run": {"id": TOLD_ID, "queue_place": 0},
        },
    ),
    (
        Analysed(
            analysis=AnalysisBody(
                strategy=Strategy.COMPLEX,
                reasoning="Wide.",
                estimated_operations=3,
                requires_tools=True,
                requires_executors=True,
            )
        ),
        {
            "type": "analysis",
            "analysis": {
                "strategy": "complex",
                "reasoning": "Wide.",
                "estimatedOperations": 3,
                "requiresTools": True,
                "requiresExecutors": True,
            },
        },
    ),
    (
        PlanCreated(
            plan=Plan(
                id=ID,
                session_id=ID,
                user_message="Organise.",
                strategy=Strategy.COMPLEX,
                steps=[STEP],
                status=PlanStatus.PENDING,
                revision=2,
                created_at=MOMENT,
            )
        ),
        {
            "type": "plan_created",
            "plan": {
                "id": TOLD_ID,
                "sessionId": TOLD_ID,
                "userMessage": "Organise.",
                "strategy": "complex",
                "steps": [TOLD_STEP],
                "status": "pending",
                "revision": 2,
                "createdAt": TOLD_MOMENT,
            },
        },
    ),
    (StepStarted(step=STEP), {"type": "step_start", "step": TOLD_STEP}),
    (
        StepCompleted(step=STEP.model_copy(update={"status": StepStatus.FAILED, "error": "No."})),
        {"type": "step_complete", "step": {**TOLD_STEP, "status": "failed", "error": "No."}},
    ),
    (
        ExecutorSpawned(
            executor_id=ID,
            step_number=1,
            task=ExecutorTask(
                id=ID, description="Look.", goal="Know.", constraints=["Read only."], context_data={"a": 1}
            ),
        ),
        {
            "type": "executor_spawned",
            "executorId": TOLD_ID,
            "task": {
                "id": TOLD_ID,
                "description": "Look.",
                "goal": "Know.",
                "constraints": ["Read only."],
                "contextData": {"a": 1},
            },
            "stepNumber": 1,
        },
    ),
    (
        ExecutorReturned(
            executor_id=ID,
            step_number=1,
            result=ExecutorOutcome(
                executor_id=ID, success=True, data={"summary": "5"}, tool_calls_made=1, tokens_used=120, duration_ms=42
            ),
        ),
        {
            "type": "executor_result",
            "executorId": TOLD_ID,
            "stepNumber": 1,
            "result": {
                "executorId": TOLD_ID,
                "success": True,
                "data": {"summary": "5"},
                "toolCallsMade": 1,
                "tokensUsed": 120,
                "durationMs": 42,
            },
        },
    ),
    (TextSaid(content="Five."), {"type": "text", "content": "Five."}),
    (ToolCalled(tool_call=CALL), {"type": "tool_call", "tool_call": TOLD_CALL}),
    (
        ToolCalled(tool_call=CALL, executor_id=ID, step_number=1),
        {"type": "tool_call", "tool_call": TOLD_CALL, "executorId": TOLD_ID, "stepNumber": 1},
    ),
    (ToolReturned(tool_result=RESULT), {"type": "tool_result", "tool_result": TOLD_RESULT}),
    (
        ToolReturned(
            tool_result=ToolResultBody(tool_call_id=ID, success=False, error="No.", duration_ms=0),
            executor_id=ID,
            step_number=1,
        ),
        {
            "type": "tool_result",
            "tool_result": {"tool_call_id": TOLD_ID, "success": False, "error": "No.", "duration_ms": 0},
            "executorId": TOLD_ID,
            "stepNumber": 1,
        },
    ),
    (
        Done(
            usage=UsageBody(prompt_tokens=100, completion_tokens=20, total_tokens=120),
            finished_reason=FinishedReason.STOP,
        ),
        {
            "type": "done",
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
            "finished_reason": "stop",
        },
    ),
    (EVENT.validate_python(PAUSE), PAUSE),
    (
        Failed(error="It took too long.", code="model_timeout", retryable=True),
        {"type": "error", "error": "It took too long.", "code": "model_timeout", "retryable": True},
    ),
]
CLASSES: Final = get_args(get_args(Event)[0])
LINE_BREAKS: Final = ("\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c")


@pytest.mark.parametrize(("event", "told"), DOCUMENTED, ids=lambda value: getattr(value, "type", ""))
def test_an_event_is_what_the_documents_show(event: Event, told: JsonValue) -> None:
    """Names, spelling and order of each event are the documented ones; what is absent is left out."""
    assert list(json.loads(encoded(event)).items()) == list(_items(told))
    assert EVENT.validate_json(encoded(event)) == event


def test_there_are_exactly_the_twelve_types() -> None:
    """No event is missing, none is added, and two of them end a stream."""
    documented = {event.type for event, _ in DOCUMENTED}
    assert documented == {kind.model_fields["type"].default for kind in CLASSES}
    assert len(documented) == 12
    assert documented >= TERMINAL_TYPES == {"done", "error"}


TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS: Final = st.dictionaries(TEXTS, JSON_VALUES.filter(lambda value: value is not None), max_size=3)
STEPS: Final = st.builds(
    Step, type=TEXTS, description=TEXTS, error=TEXTS | st.none(), result=TEXTS | st.none() | st.just({"summary": "5"})
)
EVENTS: Final = st.one_of(
    st.builds(SessionOpened),
    st.builds(Analysed),
    st.builds(PlanCreated, plan=st.builds(Plan, steps=st.lists(STEPS, max_size=3), user_message=TEXTS)),
    st.builds(StepStarted, step=STEPS),
    st.builds(StepCompleted, step=STEPS),
    st.builds(ExecutorSpawned, task=st.builds(ExecutorTask, description=TEXTS, context_data=st.none())),
    st.builds(ExecutorReturned, result=st.builds(ExecutorOutcome, data=st.none(), error=TEXTS | st.none())),
    st.builds(TextSaid, content=TEXTS),
    st.builds(ToolCalled),
    st.builds(ToolReturned, tool_result=st.builds(ToolResultBody, result=st.none(), error=TEXTS | st.none())),
    st.builds(Done),
    st.builds(Failed, error=TEXTS),
)


@given(EVENTS)
def test_any_event_comes_back_as_it_was(event: Event) -> None:
    """Whatever is in an event, its JSON reads back as the same event."""
    assert EVENT.validate_json(encoded(event)) == event


@given(TEXTS.flatmap(lambda text: st.sampled_from(LINE_BREAKS).map(lambda mark: f"{text}{mark}{mark}data: {{}}")))
def test_a_payload_is_one_line(text: str) -> None:
    """No text can end a frame and begin another: line breaks are escaped."""
    line = encoded(TextSaid(content=text))
    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line)["content"] == text


def test_a_forged_frame_stays_text() -> None:
    """A model that writes a frame of its own has written text."""
    line = encoded(TextSaid(content='Hi\n\ndata: {"type":"done"}\n\n'))
    assert line == '{"type":"text","content":"Hi\\n\\ndata: {\\"type\\":\\"done\\"}\\n\\n"}'


@pytest.mark.parametrize("most_bytes", [EVENT_MAX_BYTES, EVENT_MAX_BYTES // 2])
@pytest.mark.parametrize("letter", ["x", "\x01", '"', "ß", "语", "🗓"])
def test_an_event_that_is_too_large_loses_the_ends_of_its_longest_texts(letter: str, most_bytes: int) -> None:
    """It stays an event of its type, below 32 KB or what was set, with its ids and its short texts whole."""
    large = Failed(error=letter * 100_000, code="model_unavailable", retryable=True)
    line = encoded(large, most_bytes)
    told = EVENT.validate_json(line)
    assert len(line.encode()) <= most_bytes
    assert isinstance(told, Failed)
    assert told == large.model_copy(update={"error": told.error})
    assert told.error == letter * (len(told.error) - 1) + "…"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"type":"planned"}', id="another type"),
        pytest.param('{"content":"Hi"}', id="no type"),
        pytest.param('{"type":"text"}', id="nothing in it"),
        pytest.param("[]", id="a list"),
    ],
)
def test_what_is_no_event_is_refused(line: str) -> None:
    """Only the twelve are read."""
    with pytest.raises(ValidationError):
        EVENT.validate_json(line)


def _items(told: JsonValue) -> list[tuple[str, JsonValue]]:
    assert isinstance(told, dict)
    return list(told.items())
