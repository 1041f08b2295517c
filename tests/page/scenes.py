"""The runs that the page has to show, one for each state: what the models say, and what the person does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from tests.scripted_model.replies import Reply, call, status, text, tools
from tests.scripted_model.script import Script, rules, when
from tests.turns import plan, submit
from tools.registry import Registry

TASKS: Final = "Three tasks are open: the pricing page, the export bugs, and the note to the press."
CREATE: Final = call("create_task", {"title": "Water the plants"})


@dataclass(frozen=True)
class Scene:
    """One run. `decisions` answers each pause in turn; `ends` is what the person does in place of the last answer."""

    request: str
    script: Callable[[], Script]
    approvals: str = "auto"
    decisions: tuple[str, ...] = ()
    ends: str = ""
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    registry: Callable[[], Registry] = Registry.build


def step(
    number: int, description: str, tool: str, *, by: str = "executor", after: tuple[int, ...] = ()
) -> dict[str, JsonValue]:
    """Return a step of a plan as a model writes it."""
    return {
        "stepNumber": number,
        "type": "gather" if by == "executor" else "write",
        "description": description,
        "executorRequired": by == "executor",
        "tools": [tool],
        "dependsOn": list(after),
    }


WEEK: Final = (
    step(1, "List the open tasks of the launch", "list_tasks"),
    step(2, "Read the calendar of next week", "get_calendar_events"),
    step(3, "Look for notes about the launch", "search_notes"),
    step(4, "Weigh the tasks against the free time", "find_available_slots", after=(1, 2)),
    step(5, "Put the most urgent task on the list", "create_task", by="planner", after=(3, 4)),
)
ANSWER: Final = """Next week has room for **two** of the three open tasks:

- **Monday 09:30** the pricing page
- **Tuesday 14:00** the two export bugs

The note to the press waits for the pricing page. I put a reminder on your list."""
SLOTS: Final = {"time_min": "2026-11-30", "time_max": "2026-12-04"}


def simple() -> Script:
    """Answer at once."""
    return rules(when(text("Good morning. Your week begins with two meetings.", deltas=4)))


def tool_use() -> Script:
    """Read, change, answer."""
    read = tools(call("list_tasks", {"limit": 5}), CREATE)
    return rules(when(read, last_role="user"), when(text("It is on your list.", deltas=3)))


def complex_run(*, working: Reply | None = None) -> Script:
    """Plan, read side by side, write, answer. `working` is what the second step's executor says first."""
    first = () if working is None else (working,)
    return rules(
        when(tools(CREATE), says="# Step 5"),
        when(text("Done."), mentions="# Step 5", last_role="tool"),
        when(*first, offers="submit_result", mentions=str(WEEK[1]["description"]), last_stays=False),
        when(tools(call("list_tasks", {})), offers="list_tasks", lacks="create_plan", last_role="user"),
        when(
            tools(call("get_calendar_events", {})), offers="get_calendar_events", lacks="create_plan", last_role="user"
        ),
        when(
            tools(call("search_notes", {"query": "launch"})),
            offers="search_notes",
            lacks="create_plan",
            last_role="user",
        ),
        when(
            tools(call("find_available_slots", SLOTS)),
            offers="find_available_slots",
            lacks="create_plan",
            last_role="user",
        ),
        when(submit(TASKS), offers="submit_result"),
        when(plan(*WEEK), offers="create_plan"),
        when(text(ANSWER, deltas=12)),
    )


def replan() -> Script:
    """Fail at one step and find another way."""
    again = step(3, "Look for it among the brain dumps", "search_brain_dumps", after=(2,))
    first = (
        step(1, "Look for the offer among the notes", "search_notes"),
        step(2, "List the tasks about it", "list_tasks"),
    )
    return rules(
        when(submit("It is not there.", "failed"), offers="submit_result", says="among the notes"),
        when(plan(again), says="Some steps of the plan"),
        when(text("Part 3 done."), says="# Step 3"),
        when(submit("Two found."), offers="submit_result"),
        when(plan(*first), offers="create_plan"),
        when(text("The offer is in a brain dump of Monday.")),
    )


def failed_step() -> Script:
    """Fail at one step, skip what waits for it, answer with the rest."""
    steps = (
        step(1, "Look for the contract", "search_notes"),
        step(2, "List the tasks of the office", "list_tasks"),
        step(3, "Compare both", "list_tasks", after=(1,)),
        step(4, "Sum it up", "list_tasks", after=(3,)),
    )
    return rules(
        when(
            submit("There is no note about a contract.", "failed"), offers="submit_result", says="Look for the contract"
        ),
        when(submit(TASKS), offers="submit_result"),
        when(text("no other way"), says="Some steps of the plan"),
        when(plan(*steps), offers="create_plan"),
        when(text("The contract was not found, so nothing was compared. The tasks of the office are listed.")),
    )


def denial() -> Script:
    """Let executors ask for a write, which they may not."""
    steps = (step(1, "Read the tasks", "list_tasks"), step(2, "Read the notes", "search_notes"))
    return rules(
        when(tools(CREATE), offers="submit_result", last_role="user"),
        when(submit("Nothing could be written."), offers="submit_result"),
        when(plan(*steps), offers="create_plan"),
        when(text("Nothing was written.")),
    )


def two_writes() -> Script:
    """Write twice, then answer."""
    second = call("create_note", {"title": "Plants", "content": "Water them on Mondays."})
    return rules(when(tools(CREATE, second), last_role="user"), when(text("As you said.")))


def crashing() -> Registry:
    """Give tools of an operator, one of which breaks off."""
    return Registry.build("tests.tools.extension:CRASHING")


def unknown_outcome() -> Script:
    """Call a tool that breaks off in the middle of a write."""
    return rules(when(tools(call("crash_writing", {})), last_role="user"), when(text("It is not known.")))


def over_budget() -> Script:
    """Look around for ever."""
    return rules(when(tools(call("list_tasks", {}), text="Looking. "), offers="list_tasks"), when(text("So far none.")))


def away() -> Script:
    """Be down."""
    return rules(when(status(503)))


SCENES: Final[Mapping[str, Scene]] = {
    "simple": Scene("Good morning", simple),
    "tool_use": Scene("Create a task: Water the plants", tool_use),
    "complex": Scene("Organise my week around the launch. Create a task: Water the plants", complex_run),
    "replan": Scene("Where is the offer?", replan),
    "failed_step": Scene("Compare the contract with my tasks", failed_step),
    "denial": Scene("Read everything", denial),
    "approval_pending": Scene("Look after my plants", two_writes, "ask"),
    "approval_approved": Scene("Look after my plants", two_writes, "ask", ("approve",)),
    "approval_denied": Scene("Look after my plants", two_writes, "ask", ("deny",)),
    "approval_expired": Scene("Look after my plants", two_writes, "ask", ends="expire"),
    "cancelled": Scene("Look after my plants", two_writes, "ask", ends="cancel"),
    "unknown_outcome": Scene("Send it", unknown_outcome, decisions=("deny",), registry=crashing),
    "budget": Scene("Look around", over_budget, limits={"model_calls": 2}),
    "error": Scene("Good morning", away),
}
