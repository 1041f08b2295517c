"""The requests that take a plan, and what becomes of their findings.

Which undertaking a finding belongs to is seen from the steps' descriptions,
which are this model's own words: the plan was written before any data was read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from graph.offline import asking_tasks, briefing, looking_up, organising, summarising
from graph.offline.ask import Ask
from graph.offline.executing import calls_of, handed_in
from graph.offline.phrases import Words
from graph.offline.plans import Finding, Plan
from graph.offline.reading import Clock
from graph.offline.script import Script
from graph.offline.wording import listed, paragraphs, project_line

Answer = str | Plan


@dataclass(frozen=True, slots=True)
class Undertaking:
    """How the findings of a plan become an answer; `mark` is in one of its steps' descriptions."""

    mark: str
    compose: Callable[[list[Finding], Clock], str]


def organise(ask: Ask, _words: Words) -> Script[Answer]:
    """Plan to put tasks into free time."""
    yield from ()
    return organising.plan(ask)


def brief(ask: Ask, _words: Words) -> Script[Answer]:
    """Plan to say what a day brings."""
    yield from ()
    return briefing.plan(ask)


def summarise(ask: Ask, words: Words) -> Script[Answer]:
    """Plan a summary of the project; show the task of that name when there is no such project."""
    name = words["name"]
    if looking_up.is_pointing(name) and looking_up.here(ask, "task"):
        return (yield from asking_tasks.show_task(ask, words))
    found = yield from looking_up.projects_named(ask, name)
    if not found and "project" not in ask.request.lower():
        tasks = yield from looking_up.tasks_named(ask, name)
        if tasks:
            return (yield from asking_tasks.show_task(ask, words))
    return summarising.plan(looking_up.one_of(found, "project", name, project_line))


def without_plan(plan: Plan, clock: Clock) -> Script[str]:
    """Do what a plan would do, with the planner's own calls."""
    calls = [(step, calls_of(step.description, step.tools, clock)) for step in plan.steps if not step.writes]
    results = yield tuple(call for _, of_step in calls for call in of_step)
    findings: list[Finding] = []
    for step, of_step in calls:
        submitted = handed_in(step.description, results[: len(of_step)], clock)
        results = results[len(of_step) :]
        error = submitted.summary if submitted.status == "failed" else None
        findings.append(Finding(step.description, submitted.summary, submitted.data, error))
    told = ""
    if any(step.writes for step in plan.steps):
        told = yield from organising.act(findings, clock)
    return paragraphs(told, composed(findings, clock, changed=bool(told)))


def composed(findings: list[Finding], clock: Clock, *, changed: bool) -> str:
    """Return the answer that the findings of a plan make."""
    if any(organising.MARK in finding.description for finding in findings):
        return organising.compose(findings, clock, changed=changed)
    for undertaking in _OTHERS:
        if any(undertaking.mark in finding.description for finding in findings):
            return undertaking.compose(findings, clock)
    lines = [
        f"{finding.description}: {finding.error or finding.summary or 'nothing was handed in'}" for finding in findings
    ]
    return f"What I found:\n{listed(lines)}" if lines else ""


_OTHERS: Final = (
    Undertaking(summarising.MARK, summarising.compose),
    Undertaking(briefing.MARK, briefing.compose),
)
