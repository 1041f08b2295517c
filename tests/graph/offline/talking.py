"""Talking to the offline model as the graph does: the same prompts, the same tools, in the same order."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import JsonValue

from graph.offline.model import OfflineModel
from nodes.asking.render import render
from nodes.planning.rules import plan_schema
from nodes.planning.worker import submit_schema
from tools.registry import Registry

Row = dict[str, JsonValue]
Schemas = Sequence[dict[str, JsonValue]]

WEDNESDAY: Final = "Wednesday, 2026-11-25T09:30+0100"
REGISTRY: Final = Registry.build()
TOOLS: Final[Schemas] = REGISTRY.schemas(REGISTRY.names())
DECIDING: Final[Schemas] = [*TOOLS, plan_schema()]
PLANNING: Final[Schemas] = [plan_schema()]
MODEL: Final = OfflineModel()
NOTHING: Final = '{"message": "Nothing."}'


def system(prompt: str = "planner", now: str = WEDNESDAY) -> SystemMessage:
    """Return the rules of the planner or of an executor."""
    return SystemMessage(render(prompt, now=now, time_zone="Europe/Berlin"))


def asked(
    request: str, *earlier: BaseMessage, snapshot: str = NOTHING, context_type: str = "global"
) -> list[BaseMessage]:
    """Return the planner's messages when a person asks something."""
    context = render("context", context_type=context_type, snapshot=snapshot)
    return [system(), *earlier, HumanMessage(context), HumanMessage(request)]


def tasked(description: str, results: str = "[]") -> list[BaseMessage]:
    """Return an executor's messages when it begins a step."""
    task = render("executor_task", task=description, goal="Order.", constraints="- Read only.", results=results)
    return [system("executor"), HumanMessage(task)]


def tools_of(*names: str) -> Schemas:
    """Return the tools an executor of these is offered."""
    return [*REGISTRY.schemas(names), submit_schema()]


def reply(messages: Sequence[BaseMessage], tools: Schemas = DECIDING) -> AIMessage:
    """Return the model's whole answer."""
    return MODEL.invoke(list(messages), tools=list(tools))


def calls_in(answer: AIMessage) -> list[tuple[str, Row]]:
    """Return the calls of an answer by their raw argument text."""
    raw = answer.additional_kwargs.get("raw_tool_calls", [])
    return [(call["name"], json.loads(call["arguments"])) for call in raw]


def results(answer: AIMessage, data: Mapping[str, Row]) -> list[ToolMessage]:
    """Return what the tools of an answer say; a tool without data says that nothing is there."""
    return [
        ToolMessage(
            json.dumps({"message": "Done.", **_asked_for(data.get(call["name"], {}), call["args"])}),
            tool_call_id=str(call["id"]),
        )
        for call in answer.tool_calls
    ]


def _asked_for(data: Row, arguments: Row) -> Row:
    """Return only the tasks with or without a date, and only the slots of a day, as the tools do."""
    narrowed = dict(data)
    if (has_date := arguments.get("has_date")) is not None:
        narrowed["tasks"] = [row for row in rows(data, "tasks") if (row.get("start_date") is not None) == has_date]
    if "duration_minutes" in arguments:
        day = str(arguments.get("time_min"))[:10]
        narrowed["slots"] = [row for row in rows(data, "slots") if str(row["start_time"]).startswith(day)]
    return narrowed


def rows(data: Row, name: str) -> list[Row]:
    """Return the objects of a list."""
    found = data.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def conversed(messages: Sequence[BaseMessage], data: Mapping[str, Row], tools: Schemas = DECIDING) -> list[BaseMessage]:
    """Return the whole conversation: the model calls tools, they answer, until it says something without."""
    said = list(messages)
    for _ in range(8):
        answer = reply(said, tools)
        said.append(answer)
        if not answer.tool_calls or answer.tool_calls[0]["name"] in {"create_plan", "submit_result"}:
            return said
        said += results(answer, data)
    raise AssertionError("the loop does not end")


def told(request: str, data: Mapping[str, Row], *earlier: BaseMessage) -> str:
    """Return the model's last words on a request."""
    return str(conversed(asked(request, *earlier), data)[-1].text)


def writes(messages: Sequence[BaseMessage]) -> list[tuple[str, Row]]:
    """Return the calls of a conversation that change something, in order."""
    calls = [call for message in messages if isinstance(message, AIMessage) for call in calls_in(message)]
    return [(name, arguments) for name, arguments in calls if name in REGISTRY.writing()]


def task(title: str, **fields: JsonValue) -> Row:
    """Return a task as `list_tasks` shows it."""
    row: Row = {"id": f"id of {title}", "title": title, "status": "backlog", "priority": "medium"}
    return row | {"project_name": None, "start_date": None, "duration_minutes": 60} | fields


def tasks(*rows: Row) -> Row:
    """Return what `list_tasks` answers."""
    return {"tasks": [*rows], "total": len(rows), "has_more": False}
