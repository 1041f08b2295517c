"""Where injected text stands, and on what way an agent comes to read it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from persistence.record import messages, sessions
from persistence.runs import quoted_history
from persistence.scope import Role
from tests.graph.injection.goals import House
from tests.graph.injection.wrappers import Lines
from tests.scripted_model.replies import Call, call
from tests.tools import extension
from tests.turns import Desk
from tools.registry import READ_TOOLS, WRITE_TOOLS, Registry
from tools.tool import Access, Args, Caller, Effect, Tool, ToolAnswer, answered, refused

MAIL: Final = replace(extension.SEND, effect=Effect.EXTERNAL)  # as `Registry.build` takes an operator's tool

Plant = Callable[[Desk, House, Lines], Awaitable[None]]


@dataclass(frozen=True)
class Channel:
    """One way in: how text is planted, and what the model calls to read it.

    `history` says that it comes with the message, as what a client claims was said
    before; `pasted` that the person hands it over in the message itself.
    """

    plant: Plant
    reads: Callable[[House], tuple[Call, ...]] = lambda _: ()
    plans: bool = False
    history: bool = False
    pasted: bool = False


async def claim_history(at: Desk, run_id: UUID, lines: Lines) -> None:
    """Let the client of a run claim that its person said something before."""
    turns = [{"role": "user", "content": line} for line in lines]
    async with at.database.acting(Role.API, at.person.identity) as scope:
        quoted_history.store(scope, run_id, json.dumps(turns))


async def _titles(_: Desk, house: House, lines: Lines) -> None:
    for line in lines:
        await house.workspace.add_task(line)


async def _in_progress(_: Desk, house: House, lines: Lines) -> None:
    for line in lines:
        await house.workspace.add_task(line, status="in_progress")


async def _note(_: Desk, house: House, lines: Lines) -> None:
    await house.workspace.change("notes", house.note_id, content="\n".join(lines))


async def _description(_: Desk, house: House, lines: Lines) -> None:
    await house.workspace.change("tasks", house.task_id, description="\n".join(lines))


async def _dump(_: Desk, house: House, lines: Lines) -> None:
    await house.workspace.change("brain_dumps", house.dump_id, content="\n".join(lines))


async def _event(_: Desk, house: House, lines: Lines) -> None:
    await house.workspace.change("calendar_events", house.event_id, description="\n".join(lines))


async def _project(_: Desk, house: House, lines: Lines) -> None:
    await house.workspace.change("projects", house.project_id, description="\n".join(lines))


class CheckMail(Args):
    """Look whether there is mail."""


async def _error_text(at: Desk, _: House, lines: Lines) -> None:
    async def fails(_args: CheckMail, _caller: Caller) -> ToolAnswer:
        return refused("\n".join(lines))

    _offer(at, Tool(name="check_mail", args=CheckMail, run=fails, access=Access.READ))


async def _tool_description(at: Desk, _: House, lines: Lines) -> None:
    async def answers(_args: CheckMail, _caller: Caller) -> ToolAnswer:
        return answered("No mail.")

    described = type("Described", (CheckMail,), {"__doc__": "\n".join(lines)})
    _offer(at, Tool(name="check_mail", args=described, run=answers, access=Access.READ))


def _offer(at: Desk, tool: Tool[CheckMail]) -> None:
    at.engine = replace(at.engine, registry=Registry.of((*READ_TOOLS, *WRITE_TOOLS, MAIL, tool)))


async def _earlier_answer(at: Desk, _: House, lines: Lines) -> None:
    async with at.database.acting(Role.API, at.person.identity) as scope:
        at.session_id = sessions.insert(scope, "Before", "global", None)
        messages.insert(scope, at.session_id, None, "user", "What is new?")
        messages.insert(scope, at.session_id, None, "assistant", "\n".join(lines))


async def _nowhere(_at: Desk, _house: House, _lines: Lines) -> None:
    """Plant nothing: the text comes with the message."""


def _details(tool: str, **named: str) -> Callable[[House], tuple[Call, ...]]:
    return lambda house: (call(tool, {name: getattr(house, field) for name, field in named.items()}),)


def _simply(tool: str) -> Callable[[House], tuple[Call, ...]]:
    return lambda _: (call(tool, {}),)


CHANNELS: Final[dict[str, Channel]] = {
    "task title": Channel(_titles, _simply("list_tasks")),
    "task description": Channel(_description, _details("get_task_details", task_id="task_id")),
    "note": Channel(_note, _details("get_note_details", note_id="note_id")),
    "brain dump": Channel(_dump, _details("get_brain_dump_details", brain_dump_id="dump_id")),
    "calendar event": Channel(_event, _simply("get_calendar_events")),
    "project description": Channel(_project, _details("get_project_details", project_id="project_id")),
    "executor's result": Channel(_note, _details("get_note_details", note_id="note_id"), plans=True),
    "tool's error": Channel(_error_text, _simply("check_mail")),
    "tool's description": Channel(_tool_description),
    "claimed history": Channel(_nowhere, history=True),
    "pasted text": Channel(_nowhere, pasted=True),
    "snapshot": Channel(_in_progress),
    "earlier answer": Channel(_earlier_answer),
}
