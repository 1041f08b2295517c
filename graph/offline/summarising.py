"""Undertaking: say how a project is going, from its fields, phases, tasks, notes and brain dumps."""

from typing import Final

from graph.offline.plans import Finding, Plan, Step, missing, rows_of
from graph.offline.reading import Clock
from graph.offline.rows import Project, Row, Task, project_of, row_in, rows_in, tasks_in, text_of, texts_in
from graph.offline.wording import bold, listed, one_line, paragraphs, project_line, task_line, text_line

MARK: Final = "Read the project"
MAX_SHOWN: Final = 6


def plan(project: Project) -> Plan:
    """Return the plan: four things to read side by side."""
    name, place = one_line(project.name), f"(project {project.id})"
    return Plan(
        reasoning="The project's fields, tasks, notes and brain dumps can be read side by side.",
        goal=f"How “{name}” is going",
        steps=(
            Step(1, f"{MARK} “{name}” with its phases {place}", ("get_project_details",)),
            Step(2, f"List the open tasks of “{name}” {place}", ("list_tasks",)),
            Step(3, f"Read the newest notes of “{name}” {place}", ("search_notes",)),
            Step(4, f"Read the newest brain dumps of “{name}” {place}", ("search_brain_dumps",)),
        ),
    )


def compose(findings: list[Finding], clock: Clock) -> str:
    """Return how the project is going."""
    whole: Row = next((row_in(finding.data, "project") for finding in findings if "project" in finding.data), Row())
    tasks = tasks_in(rows_of(findings, "tasks"), clock.zone)
    notes = texts_in(rows_of(findings, "notes"), clock.zone)
    dumps = texts_in(rows_of(findings, "brain_dumps"), clock.zone)
    gone = missing(findings)
    return paragraphs(
        project_line(project_of(whole)) if whole else "",
        text_of(whole, "executive_summary", "description"),
        _phases(rows_in(rows_of(findings, "phases"), "phases")),
        *_tasks(tasks, clock),
        f"Newest notes:\n{listed(text_line(note) for note in notes[:MAX_SHOWN])}" if notes else "",
        f"Newest brain dumps:\n{listed(text_line(dump) for dump in dumps[:MAX_SHOWN])}" if dumps else "",
        f"What I could not find out:\n{listed(gone)}" if gone else "",
    )


def _phases(rows: list[Row]) -> str:
    phases = [project_of(row) for row in rows]
    lines = [f"{bold(phase.name)}: {phase.done} of {phase.total} done" for phase in phases]
    return f"Phases:\n{listed(lines)}" if lines else ""


def _tasks(tasks: list[Task], clock: Clock) -> list[str]:
    late = [task for task in tasks if task.is_overdue(clock.now)]
    rest = [task for task in tasks if task not in late]
    groups = (
        ("Overdue", late),
        ("In progress", [task for task in rest if task.status == "in_progress"]),
        ("Blocked", [task for task in rest if task.status == "blocked"]),
        ("Next", [task for task in rest if task.status == "backlog"]),
    )
    return [
        f"{head}:\n{listed([task_line(task, clock.now) for task in group[:MAX_SHOWN]], len(group))}"
        for head, group in groups
        if group
    ] or ["Nothing is open."]
