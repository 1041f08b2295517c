"""What a run looks like is a pure fold over its events."""

import json
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from nodes.vocabulary.events import FinishedReason, StepStatus, Strategy
from nodes.vocabulary.view import VIEW, Arrival, RunView, fold, reduce

RUN: Final = UUID(int=1)
PLAN: Final = UUID(int=2)
EXECUTOR: Final = UUID(int=3)
CALL: Final = UUID(int=4)
OWN_CALL: Final = UUID(int=5)
MOMENT: Final = "2026-11-22T09:00:00Z"


def step(number: int, status: str = "pending", *, executor: bool = True, **more: JsonValue) -> dict[str, JsonValue]:
    """Give a step as events carry it."""
    return {
        "stepNumber": number,
        "type": "read",
        "description": f"Step {number}",
        "executorRequired": executor,
        "tools": ["list_tasks"],
        "dependsOn": [],
        "status": status,
        **more,
    }


def plan(*steps: JsonValue, revision: int = 1) -> dict[str, JsonValue]:
    """Give a `plan_created` event."""
    body: dict[str, JsonValue] = {
        "id": str(PLAN),
        "sessionId": str(UUID(int=9)),
        "userMessage": "organise",
        "strategy": "complex",
        "steps": list(steps),
        "status": "executing",
        "revision": revision,
        "createdAt": MOMENT,
    }
    return {"type": "plan_created", "plan": body}


def called(call: UUID, **more: JsonValue) -> dict[str, JsonValue]:
    """Give a `tool_call` event."""
    body: dict[str, JsonValue] = {
        "id": str(call),
        "type": "function",
        "function": {"name": "list_tasks", "arguments": '{"limit": 5}'},
    }
    return {"type": "tool_call", "tool_call": body, **more}


def returned(call: UUID, **more: JsonValue) -> dict[str, JsonValue]:
    """Give a `tool_result` event of a call that went well."""
    body: dict[str, JsonValue] = {
        "tool_call_id": str(call),
        "success": True,
        "result": {"message": "5 tasks"},
        "duration_ms": 7,
    }
    return {"type": "tool_result", "tool_result": body, **more}


SESSION: Final[dict[str, JsonValue]] = {
    "type": "session",
    "session": {
        "id": str(UUID(int=9)),
        "title": "organise",
        "context_type": "global",
        "entity_id": None,
        "approvals": "auto",
        "status": "active",
        "message_count": 1,
        "last_message_at": MOMENT,
        "created_at": MOMENT,
        "updated_at": MOMENT,
    },
    "run": {"id": str(RUN)},
}
ANALYSIS: Final[dict[str, JsonValue]] = {
    "type": "analysis",
    "analysis": {
        "strategy": "complex",
        "reasoning": "wide reading",
        "estimatedOperations": 3,
        "requiresTools": True,
        "requiresExecutors": True,
    },
}
SPAWNED: Final[dict[str, JsonValue]] = {
    "type": "executor_spawned",
    "executorId": str(EXECUTOR),
    "task": {"id": str(UUID(int=8)), "description": "Look", "goal": "Know", "constraints": []},
    "stepNumber": 1,
}
OUTCOME: Final[dict[str, JsonValue]] = {
    "type": "executor_result",
    "executorId": str(EXECUTOR),
    "stepNumber": 1,
    "result": {
        "executorId": str(EXECUTOR),
        "success": True,
        "data": {"summary": "five"},
        "toolCallsMade": 1,
        "tokensUsed": 120,
        "durationMs": 42,
    },
}
DONE: Final[dict[str, JsonValue]] = {
    "type": "done",
    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    "finished_reason": "stop",
}
FAILED: Final[dict[str, JsonValue]] = {
    "type": "error",
    "error": "The model took too long.",
    "code": "model_timeout",
    "retryable": True,
}
BY_EXECUTOR: Final[dict[str, JsonValue]] = {"executorId": str(EXECUTOR), "stepNumber": 1}
RUN_OF_TWO_STEPS: Final[list[dict[str, JsonValue]]] = [
    SESSION,
    ANALYSIS,
    plan(step(1), step(2, executor=False)),
    {"type": "step_start", "step": step(1, "executing")},
    SPAWNED,
    called(CALL, **BY_EXECUTOR),
    returned(CALL, **BY_EXECUTOR),
    OUTCOME,
    {"type": "step_complete", "step": step(1, "completed", result="five")},
    {"type": "step_start", "step": step(2, "executing", executor=False)},
    called(OWN_CALL),
    returned(OWN_CALL),
    {"type": "step_complete", "step": step(2, "failed", executor=False, error="no")},
    {"type": "text", "content": "Five tasks, "},
    {"type": "text", "content": "one is late."},
    DONE,
]


def arrivals(*events: JsonValue) -> list[Arrival]:
    """Give events their numbers, and a moment each: one every 10 ms."""
    return [Arrival(place, json.dumps(event), place * 10) for place, event in enumerate(events, start=1)]


def unknown(name: str) -> dict[str, JsonValue]:
    """Give an event of some other type."""
    return {"type": name}


def said(content: str) -> dict[str, JsonValue]:
    """Give a `text` event."""
    return {"type": "text", "content": content}


def numbered(events: list[dict[str, JsonValue]]) -> list[Arrival]:
    """Give a drawn list of events their numbers."""
    return arrivals(*events)


ANY_EVENT: Final[st.SearchStrategy[dict[str, JsonValue]]] = st.one_of(
    st.sampled_from([*RUN_OF_TWO_STEPS, plan(step(1, "failed"), step(3), revision=2), FAILED]),
    st.text(max_size=8).map(unknown),
    st.text(max_size=8).map(said),
)
ANY_RUN: Final[st.SearchStrategy[list[Arrival]]] = st.lists(ANY_EVENT, max_size=25).map(numbered)


def test_a_whole_run_is_told_by_its_view() -> None:
    """After its last event the view holds the session, strategy, steps, executors, calls, answer, usage and reason."""
    view = fold(arrivals(*RUN_OF_TWO_STEPS))
    assert (view.run_id, view.last_seq, view.ended) == (RUN, 16, True)
    assert view.analysis is not None
    assert view.analysis.strategy is Strategy.COMPLEX
    assert [(one.number, one.status, one.error) for one in view.steps] == [
        (1, StepStatus.COMPLETED, None),
        (2, StepStatus.FAILED, "no"),
    ]
    assert view.answer == "Five tasks, one is late."
    assert view.usage is not None
    assert (view.usage.total_tokens, view.finished_reason) == (120, FinishedReason.STOP)


def test_an_executor_and_its_calls_stand_under_their_step() -> None:
    """An executor's tool calls carry its id and its step, with arguments, result and duration."""
    view = fold(arrivals(*RUN_OF_TWO_STEPS))
    (executor,) = view.executors_of(1)
    (tool,) = view.tools_of(1)
    assert executor.outcome is not None
    assert (executor.id, executor.outcome.tokens, executor.outcome.duration_ms) == (EXECUTOR, 120, 42)
    assert (tool.executor_id, tool.arguments, tool.success, tool.duration_ms) == (EXECUTOR, '{"limit": 5}', True, 7)


def test_a_call_of_the_planner_belongs_to_the_step_it_is_at() -> None:
    """The planner's own call stands under the planner's step under way, and under none before there is a plan."""
    assert [tool.id for tool in fold(arrivals(*RUN_OF_TWO_STEPS)).tools_of(2)] == [OWN_CALL]
    assert [tool.id for tool in fold(arrivals(SESSION, called(OWN_CALL))).tools_of(None)] == [OWN_CALL]


def test_a_step_took_as_long_as_it_was_seen_to_take() -> None:
    """Times are those of the arrivals; nobody who only reads the log makes a time up."""
    watched = fold(arrivals(*RUN_OF_TWO_STEPS))
    read = fold(Arrival(one.seq, one.payload) for one in arrivals(*RUN_OF_TWO_STEPS))
    assert [one.seen_ms for one in watched.steps] == [50, 30]
    assert [one.seen_ms for one in read.steps] == [None, None]


def test_a_revision_replaces_the_plan_and_keeps_the_times() -> None:
    """A second `plan_created` puts its steps in place; a step that was taken over keeps when it was seen."""
    view = fold(arrivals(*RUN_OF_TWO_STEPS[:9], plan(step(1, "completed"), step(3), revision=2)))
    assert view.plan is not None
    assert (view.plan.revision, [one.number for one in view.steps]) == (2, [1, 3])
    assert view.steps[0].seen_ms == 50


def test_a_step_without_a_plan_is_shown_all_the_same() -> None:
    """A stream that was joined in the middle shows the steps it hears of."""
    view = fold(arrivals({"type": "step_start", "step": step(4, "executing")}))
    assert [one.number for one in view.steps] == [4]


def test_a_failure_ends_a_run() -> None:
    """An `error` event ends the run with its text and code."""
    view = fold(arrivals(SESSION, FAILED))
    assert view.ended
    assert view.failure is not None
    assert (view.failure.code, view.failure.retryable) == ("model_timeout", True)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param('{"type": "weather", "sun": true}', id="a type from a newer release"),
        pytest.param('{"type": "text"}', id="a known type without its field"),
        pytest.param("not JSON", id="no JSON at all"),
        pytest.param("[]", id="JSON of another shape"),
    ],
)
def test_an_unknown_event_is_kept_and_harms_nothing(payload: str) -> None:
    """What cannot be read is kept as it came, and everything else stays."""
    before = fold(arrivals(SESSION))
    after = reduce(before, Arrival(2, payload))
    assert after.unknown == (Arrival(2, payload),)
    assert (after.run_id, after.answer) == (before.run_id, before.answer)


@given(ANY_RUN, st.data())
def test_a_prefix_and_the_rest_make_the_whole(run: list[Arrival], data: st.DataObject) -> None:
    """A fold of any prefix plus the rest equals the fold of all."""
    cut = data.draw(st.integers(0, len(run)))
    assert fold(run[cut:], fold(run[:cut])) == fold(run)


@given(ANY_RUN, st.data())
def test_an_event_folded_twice_changes_nothing(run: list[Arrival], data: st.DataObject) -> None:
    """A stream that sends events again, as after a reconnect, gives the same view."""
    again = data.draw(st.integers(0, len(run)))
    from_there = data.draw(st.integers(0, again))
    assert fold([*run[:again], *run[from_there:]]) == fold(run)


@given(ANY_RUN)
def test_a_view_survives_being_written_as_json(run: list[Arrival]) -> None:
    """A view is data: written as JSON and read again it is equal."""
    view: RunView = fold(run)
    assert VIEW.validate_json(VIEW.dump_json(view)) == view
