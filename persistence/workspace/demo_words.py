"""What the demo workspace says: the shape of `demo_data.json`.

Days in it count from today: in projects they are days of the calendar,
elsewhere working days, so that no interview falls on a Sunday (0 is today or
the next working day, -1 the last one before today).
"""

from datetime import time
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from persistence.workspace import projects
from persistence.workspace.calendar import Pattern
from persistence.workspace.tasks import Priority, Status

DATA: Final = Path(__file__).with_name("demo_data.json")


class Data(BaseModel):
    """Root of what the file holds: nothing in it is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Task(Data):
    """A task; without a day it is not planned. With `event` it stands in the calendar."""

    title: str
    description: str = ""
    details: str = ""
    status: Status = "backlog"
    priority: Priority = "medium"
    day: int | None = None
    at: time = time(9)
    minutes: int = 60
    event: bool = False
    recurring: Pattern | None = None
    waits_for: list[str] = []
    subtasks: "list[Task]" = []


class Phase(Data):
    """A phase of a project and its tasks."""

    name: str
    description: str
    tasks: list[Task]


class Project(Data):
    """A project; it starts and ends that many days from today."""

    name: str
    slug: str
    status: projects.Status
    description: str
    executive_summary: str
    context: str
    start: int
    end: int
    tags: list[str]
    calendar_color_id: str | None = None
    core_integrity_ideals: str = ""
    core_people_bonds: str = ""
    core_goals_momentum: str = ""
    core_meaning_identity: str = ""
    core_reality_understanding: str = ""
    core_trust_safeguards: str = ""
    core_opportunity_freedom: str = ""
    core_power_resources: str = ""
    core_harmony_integration: str = ""
    phases: list[Phase]


class Note(Data):
    """A note, in a project or in none."""

    project: str | None = None
    title: str
    category: str
    tags: list[str]
    content: str


class BrainDump(Data):
    """A brain dump, in a project or in none."""

    project: str | None = None
    title: str | None
    status: str
    content: str
    ai_summary: str | None = None


class Event(Data):
    """An event of some minutes, or of whole days."""

    summary: str
    description: str = ""
    day: int
    at: time = time()
    minutes: int = 0
    days: int = 0
    recurrence: Pattern | None = None


class Workspace(Data):
    """All of it."""

    projects: list[Project]
    tasks: list[Task]
    notes: list[Note]
    brain_dumps: list[BrainDump]
    events: list[Event]


def read() -> Workspace:
    """Return what the file holds."""
    return Workspace.model_validate_json(DATA.read_bytes())
