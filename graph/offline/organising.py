"""Undertaking: put the open tasks into the free time of some days; on the calendar only when that was asked."""

import re
from datetime import date, timedelta
from typing import Final

from graph.offline.ask import Ask
from graph.offline.changing import told_of_many
from graph.offline.dates import monday_of
from graph.offline.plans import Finding, Plan, Step, missing, rows_of
from graph.offline.proposal import Placed, Proposal, propose
from graph.offline.reading import Clock
from graph.offline.rows import Event, Project, Task, events_in, number_of, projects_in, slots_in, tasks_in
from graph.offline.script import Call, Script
from graph.offline.wording import (
    bold,
    counted,
    event_line,
    joined,
    listed,
    moment,
    one_line,
    paragraphs,
    period,
    project_line,
    span_line,
    task_line,
)
from tools.local_time import spoken_day

MARK: Final = "List the open tasks without a date"
WRITES: Final = "Schedule the open tasks"
OFFER: Final = "Nothing was changed. Say “schedule them” and they go on your calendar at these times."
FRIDAY: Final = 4
MAX_DAYS: Final = 14
MAX_SHOWN: Final = 8

_APPLY: Final = re.compile(
    r"\b(?:and|then)\b.*\b(?:schedule|book|put|place|block|add)\b|^schedule\b", re.IGNORECASE | re.DOTALL
)


def wants_changes(request: str) -> bool:
    """Say whether a request asks for the tasks to be put on the calendar."""
    return _APPLY.search(request) is not None


def plan(ask: Ask) -> Plan:
    """Return the plan: six things to read side by side, and the writes if they were asked for."""
    first, last = _days(ask)
    days = f"from {first.isoformat()} to {last.isoformat()}"
    steps = [
        Step(1, "List the open tasks that are overdue", ("list_tasks",)),
        Step(2, f"List the open tasks planned {days}", ("list_tasks",)),
        Step(3, f"{MARK}, the most important first", ("list_tasks",)),
        Step(4, f"Read the calendar {days}", ("get_calendar_events",)),
        Step(5, f"Find free working hours {days}", ("find_available_slots",)),
        Step(6, "Look at the active projects and how far they are", ("search_projects",)),
    ]
    if wants_changes(ask.request):
        does = f"{WRITES} into the free working hours {days}, overdue ones first"
        steps.append(Step(7, does, ("update_or_schedule_task",), (1, 2, 3, 4, 5), writes=True))
    return Plan(
        reasoning="Tasks, calendar, free time and projects can be read side by side before anything is proposed.",
        goal=f"A day-by-day plan for {period(first, last)}",
        steps=tuple(steps),
    )


def act(findings: list[Finding], clock: Clock) -> Script[str]:
    """Schedule what is proposed, each task once."""
    proposal = _proposal(findings, clock)
    if not proposal.placed:
        yield from ()
        return "No open task fits into the free time, so nothing was scheduled."
    results = yield tuple(
        Call("update_or_schedule_task", {"task_id": one.task.id, "start_time": one.span.start.isoformat()})
        for one in proposal.placed
    )
    tasks = [one.task for one in proposal.placed]
    return told_of_many(tasks, results, f"of {counted(len(tasks), 'task')} are on the calendar now")


def compose(findings: list[Finding], clock: Clock, *, changed: bool) -> str:
    """Return the plan for the days; after changes only what is left to say."""
    proposal = _proposal(findings, clock)
    overdue = [one.task for one in proposal.placed if one.task.is_overdue(clock.now)]
    events = _events(findings, clock)
    fits = "fits" if len(proposal.placed) == 1 else "fit"
    late = f", {len(overdue)} of them overdue" if overdue else ""
    head = f"{counted(len(proposal.placed), 'open task')} {fits} into your free time{late}."
    days = "" if changed else _by_day(proposal, events, clock)
    return paragraphs(
        "" if changed else head if proposal.placed else "I found no open task that fits into free time on these days.",
        days,
        _left(proposal, findings, clock),
        _projects(projects_in(rows_of(findings, "projects"))),
        _missing(findings),
        OFFER if proposal.placed and not changed else "",
    )


def _days(ask: Ask) -> tuple[date, date]:
    """Return the days that are meant: those said, else what is left of the week, from Friday on the next one."""
    when = ask.when()
    monday = monday_of(ask.today)
    if when is not None and when.first is not None:
        first, last = when.first, when.last or when.first
    elif ask.today.weekday() < FRIDAY:
        first, last = ask.today, monday + timedelta(days=6)
    else:
        first, last = monday + timedelta(days=7), monday + timedelta(days=13)
    first = max(first, ask.today)
    return first, min(max(first, last), first + timedelta(days=MAX_DAYS - 1))


def _proposal(findings: list[Finding], clock: Clock) -> Proposal:
    tasks = tasks_in(rows_of(findings, "tasks"), clock.zone)
    if any(number_of(finding.data, "left_out") for finding in findings if "events" in finding.data):
        tasks = [task for task in tasks if task.start is None or task.is_overdue(clock.now)]  # others may stand there
    return propose(tasks, _events(findings, clock), slots_in(rows_of(findings, "slots"), clock.zone), clock.now)


def _events(findings: list[Finding], clock: Clock) -> list[Event]:
    return events_in(rows_of(findings, "events"), clock.zone)


def _by_day(proposal: Proposal, events: list[Event], clock: Clock) -> str:
    days = sorted({one.span.start.date() for one in proposal.placed} | {event.start.date() for event in events})
    return "\n\n".join(_day(day, proposal.on(day), events, clock) for day in days)


def _day(day: date, placed: list[Placed], events: list[Event], clock: Clock) -> str:
    fixed = [event for event in events if event.start.date() == day]
    lines = [(event.start, event_line(event)) for event in fixed]
    lines += [(one.span.start, _placed_line(one, clock)) for one in placed]
    return f"### {spoken_day(day)}\n{listed(line for _, line in sorted(lines))}"


def _placed_line(one: Placed, clock: Clock) -> str:
    start = one.task.start
    planned = ""
    if start is not None and one.task.is_overdue(clock.now):
        planned = f"overdue since {moment(start)}"
    elif start is not None and start != one.span.start:
        planned = f"planned for {moment(start)}"
    priority = "high priority" if one.task.priority == "high" else ""
    return joined((f"{span_line(one.span)} → {bold(one.task.title)}", one_line(one.task.project), planned, priority))


def _left(proposal: Proposal, findings: list[Finding], clock: Clock) -> str:
    unseen = sum(number_of(finding.data, "left_out") for finding in findings if "tasks" in finding.data)
    return paragraphs(
        _some("No room for", list(proposal.left), clock),
        _some("Blocked, so not placed", list(proposal.blocked), clock),
        f"{counted(unseen, 'more task')} I did not look at." if unseen else "",
    )


def _some(head: str, tasks: list[Task], clock: Clock) -> str:
    lines = [task_line(task, clock.now) for task in tasks[:MAX_SHOWN]]
    return f"{head}:\n{listed(lines, len(tasks))}" if tasks else ""


def _projects(projects: list[Project]) -> str:
    return f"Active projects:\n{listed(project_line(project) for project in projects)}" if projects else ""


def _missing(findings: list[Finding]) -> str:
    return f"What I could not find out:\n{listed(missing(findings))}" if missing(findings) else ""
