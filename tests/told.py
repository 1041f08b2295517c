"""A run as its events tell it, made up: two steps, one of an executor's and one of the planner's."""

import json
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from nodes.vocabulary.view import Arrival

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
PAUSE: Final[dict[str, JsonValue]] = {
    **DONE,
    "finished_reason": "approval_required",
    "approval": {
        "id": str(UUID(int=6)),
        "digest": "0" * 64,
        "expires_at": MOMENT,
        "calls": [
            {
                "id": str(OWN_CALL),
                "tool": "create_task",
                "target": "a new task “Water the plants”",
                "arguments": {"title": "Water the plants"},
                "changes": [{"field": "title", "to": "Water the plants"}],
                "unknown": False,
            }
        ],
    },
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
