"""Undertaking: what a day brings, from the calendar, the tasks and the free time."""

from typing import Final

from graph.offline.ask import Ask
from graph.offline.asking_tasks import urgency
from graph.offline.dates import days_of
from graph.offline.plans import Finding, Plan, Step, missing, rows_of
from graph.offline.reading import Clock
from graph.offline.rows import events_in, slots_in, tasks_in
from graph.offline.wording import events_by_day, listed, one_line, paragraphs, period, span_line, task_line

MARK: Final = "List the open tasks that are in progress or blocked"
MAX_SHOWN: Final = 8


def plan(ask: Ask) -> Plan:
    """Return the plan: five things to read side by side."""
    first, _ = days_of(ask.when(), ask.today)
    day = max(first, ask.today)
    days = f"from {day.isoformat()} to {day.isoformat()}"
    return Plan(
        reasoning="Calendar, tasks and free time can be read side by side.",
        goal=f"A brief for {period(day, day)}",
        steps=(
            Step(1, f"Read the calendar {days}", ("get_calendar_events",)),
            Step(2, "List the open tasks that are overdue", ("list_tasks",)),
            Step(3, f"List the open tasks planned {days}", ("list_tasks",)),
            Step(4, MARK, ("list_tasks",)),
            Step(5, f"Find free working hours {days}", ("find_available_slots",)),
        ),
    )


def compose(findings: list[Finding], clock: Clock) -> str:
    """Return the brief."""
    events = events_in(rows_of(findings, "events"), clock.zone)
    by_id = {task.id: task for task in tasks_in(rows_of(findings, "tasks"), clock.zone)}
    free = slots_in(rows_of(findings, "slots"), clock.zone)
    tasks = sorted(by_id.values(), key=lambda task: urgency(task, clock.now))
    late = [task for task in tasks if task.is_overdue(clock.now)]
    blocked = [task for task in tasks if task.status == "blocked" and task not in late]
    current = [task for task in tasks if task not in late and task not in blocked]
    groups = (("Overdue", late), ("Planned or in progress", current), ("Blocked", blocked))
    return paragraphs(
        events_by_day(events) if events else "There is nothing on your calendar that day.",
        *(
            f"{head}:\n{listed([task_line(task, clock.now) for task in group[:MAX_SHOWN]], len(group))}"
            for head, group in groups
            if group
        ),
        "" if tasks else "No task is overdue, planned or in progress.",
        f"Free: {one_line(', '.join(span_line(span) for span in free))}." if free else "No free working hour is left.",
        f"What I could not find out:\n{listed(missing(findings))}" if missing(findings) else "",
    )
