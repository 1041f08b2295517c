"""Undertaking: whatever was asked, as a plan of one step, for a person who wants to see a plan in any case.

Nothing was looked up when the plan is made, so it cannot say more than what was asked;
the step may make every change that requests of its kind can need.
"""

from collections.abc import Sequence
from typing import Final

from graph.offline import changing, creating
from graph.offline.plans import Finding, Plan, Step
from graph.offline.requests import read_as

MARK: Final = "Do what was asked: "
_CREATES: Final = (
    "create_task",
    "create_note",
    "create_brain_dump",
    "update_or_schedule_task",
    "delete_calendar_event",
)
_CHANGES: Final = ("update_task", "update_project", "update_calendar_event", "update_or_schedule_task")
_WRITES: Final = {creating.__name__: _CREATES, changing.__name__: _CHANGES}


def plan(request: str) -> Plan:
    """Return the plan."""
    read = read_as(request)
    writes = () if read is None else _WRITES.get(read[0].__module__, ())
    return Plan(
        reasoning="It takes one step.",
        goal=request,
        steps=(Step(1, f"{MARK}{request}", writes, writes=True),),
    )


def answer(findings: Sequence[Finding]) -> str:
    """Return what the step said; nothing when there was none such."""
    return next((one.error or one.summary for one in findings if one.description.startswith(MARK)), "")
