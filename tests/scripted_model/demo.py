"""A small built-in script: every request but one becomes a plan of five steps, four at once and one after them.

It looks only at what is offered and who spoke last, so any number of runs may
share the server: benchmarks start it on its own with `python -m tests.scripted_model`.
"""

from typing import Final

from pydantic import JsonValue

from tests.scripted_model.replies import Reply, call, text, tools
from tests.scripted_model.requests import ChatRequest

ANSWER_DELTAS: Final = 50
ANSWER: Final = "Next week has room for the four overdue tasks: two on Monday, one on Tuesday, one on Friday. " * 3
QUESTION: Final = "What is on my mind?"
SHORT: Final = "Nothing that I know of."
GATHERING: Final = ("list_tasks", "search_projects", "search_notes", "get_calendar_events")
PLAN: Final = "create_plan"
RESULT: Final = "submit_result"


def organise(request: ChatRequest) -> Reply:
    """Plan, read one list a step, report, answer."""
    if RESULT in request.offered:
        readable = [name for name in request.offered if name != RESULT]
        begins = request.last_role != "tool" and readable
        return tools(call(readable[0], {}) if begins else call(RESULT, _result(request)))
    if PLAN in request.offered and request.last_role != "tool":
        return text(SHORT) if request.last_text == QUESTION else tools(call(PLAN, _plan()))
    return text(ANSWER, deltas=ANSWER_DELTAS)


def _plan() -> dict[str, JsonValue]:
    gathering = [_step(number, f"Read the person's {tool}.", tool, []) for number, tool in enumerate(GATHERING, 1)]
    weighing = _step(len(GATHERING) + 1, "Weigh the tasks against the free time.", "list_tasks", [1, 2, 3, 4])
    return {
        "reasoning": "Several lists are needed.",
        "goal": "A week with order in it.",
        "steps": [*gathering, weighing],
    }


def _step(number: int, description: str, tool: str, depends_on: list[JsonValue]) -> dict[str, JsonValue]:
    return {
        "stepNumber": number,
        "type": "gather",
        "description": description,
        "executorRequired": True,
        "tools": [tool],
        "dependsOn": depends_on,
    }


def _result(request: ChatRequest) -> dict[str, JsonValue]:
    """Return a good result, in the first status that the offered tool allows."""
    status = request.choices_of(RESULT, "status")
    return {
        "status": status[0] if status else "completed",
        "summary": "Four tasks are overdue; the week is half empty.",
    }
