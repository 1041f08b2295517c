"""What the offline model says next: the roles it is asked in, and the reply in each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from graph.offline import about, doing, organising
from graph.offline.allowing import allowed
from graph.offline.ask import Ask
from graph.offline.executing import execute
from graph.offline.following_up import written_out
from graph.offline.plans import Finding, Plan, findings_in, missing
from graph.offline.reading import ALLOW_CHANGES, CREATE_PLAN, SUBMIT_RESULT, Asked, Clock, Mode, section
from graph.offline.requests import Answer, handled
from graph.offline.rows import Row
from graph.offline.script import Call, CannotGoOn, Ended, Script, play
from graph.offline.undertaking import composed, without_plan
from graph.offline.wording import listed, paragraphs

NO_OTHER_WAY: Final = "no other way"
_CLOCKLESS: Final = "I was not told what time it is, so I cannot look anything up. Please try again."


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says: text, or tool calls."""

    text: str = ""
    calls: tuple[Call, ...] = ()


def reply_to(asked: Asked) -> Reply:
    """Return the reply to one call of the model."""
    if asked.mode is Mode.REPLAN:
        return Reply(NO_OTHER_WAY)
    if asked.clock is not None:
        return _BY_MODE[asked.mode](asked, asked.clock)
    return _submitted_failure(_CLOCKLESS) if asked.mode is Mode.EXECUTE else Reply(_CLOCKLESS)


def _decide(asked: Asked, clock: Clock) -> Reply:
    """Return the next word on the person's request."""
    script = _planned if asked.offered == frozenset({CREATE_PLAN}) else _decided
    return _spoken(script(asked, clock), asked)


def _planned(asked: Asked, clock: Clock) -> Script[Answer]:
    """Return the script where nothing but a plan can be made: one of it all, if something has to be looked up first."""
    yield from ()
    try:
        came_to = play(_thought_of(asked, clock), ())
    except CannotGoOn as end:
        return str(end)
    if isinstance(came_to, Ended):
        return came_to.value
    return doing.plan(written_out(asked.request, asked.earlier, clock.now))


def _decided(asked: Asked, clock: Clock) -> Script[Answer]:
    """Return the script for the person's request; without a plan where none can be made."""
    answer = yield from _thought_of(asked, clock)
    can_plan = CREATE_PLAN in asked.offered and not asked.planned
    if isinstance(answer, Plan) and not can_plan:
        return (yield from without_plan(answer, clock))
    return answer


def _spoken(script: Script[Answer], asked: Asked) -> Reply:
    """Return how far a script comes: calls, a plan, or the answer."""
    try:
        came_to = play(script, asked.rounds)
    except CannotGoOn as end:
        return Reply(str(end))
    if isinstance(came_to, Ended):
        value = came_to.value
        return Reply(calls=(Call(CREATE_PLAN, value.as_arguments()),)) if isinstance(value, Plan) else Reply(value)
    if lacking := sorted({call.tool for call in came_to.calls} - asked.offered):
        return Reply(f"I cannot go on with this here: I was not given {', '.join(lacking)}.")
    return Reply(calls=came_to.calls)


def _allow(asked: Asked, clock: Clock) -> Reply:
    """Return which changes the person's own words ask for."""
    return Reply(calls=(Call(ALLOW_CHANGES, {"changes": [*allowed(asked.prompt, clock)]}),))


def _execute(asked: Asked, clock: Clock) -> Reply:
    """Return an executor's calls, then what it hands in."""
    task = section(asked.prompt, "Task") or asked.prompt
    try:
        came_to = play(execute(task, asked.offered - {SUBMIT_RESULT}, clock), asked.rounds)
    except CannotGoOn as end:
        return _submitted_failure(str(end))
    if isinstance(came_to, Ended):
        return Reply(calls=(Call(SUBMIT_RESULT, came_to.value.as_arguments()),))
    return Reply(calls=came_to.calls)


def _submitted_failure(reason: str) -> Reply:
    arguments = Row(status="failed", summary=reason)
    return Reply(calls=(Call(SUBMIT_RESULT, arguments),))


def _do_step(asked: Asked, clock: Clock) -> Reply:
    """Return the next word on a step that is the planner's own."""
    return _spoken(_step(asked, clock), asked)


def _step(asked: Asked, clock: Clock) -> Script[Answer]:
    """Do a step of the plan that is the planner's own: to schedule, or to read what an executor would."""
    findings = findings_in(section(asked.prompt, "Results of the steps this one depends on"))
    task = re.sub(r"^# Step [^\n]*\n", "", asked.prompt).split("\n# ")[0].strip()
    if task.startswith(organising.WRITES):
        return (yield from organising.act(findings, clock))
    if task.startswith(doing.MARK):
        answer = yield from _handled(Ask(task.removeprefix(doing.MARK), clock.now, clock.zone))
        return (yield from without_plan(answer, clock)) if isinstance(answer, Plan) else answer
    submitted = yield from execute(task, asked.offered, clock)
    return submitted.summary


def _repaired(asked: Asked, clock: Clock) -> Reply:
    """Return the plan again without what was refused; in words when nothing of it is left."""
    try:
        came_to = play(_thought_of(asked, clock), asked.rounds)
    except CannotGoOn as end:
        return Reply(str(end))
    plan = came_to.value if isinstance(came_to, Ended) else None
    if not isinstance(plan, Plan) or not (mended := plan.without(asked.prompt)).steps:
        return Reply("I have no other plan for this.")
    return Reply(calls=(Call(CREATE_PLAN, mended.as_arguments()),))


def _thought_of(asked: Asked, clock: Clock) -> Script[Answer]:
    """Return the script of the table's row that the request fits."""
    request = written_out(asked.request, asked.earlier, clock.now)
    return (yield from _handled(Ask(request, clock.now, clock.zone, asked.context, asked.earlier)))


def _handled(ask: Ask) -> Script[Answer]:
    script = handled(ask)
    if script is None:
        return about.not_understood()
    return (yield from script)


def _synthesise(asked: Asked, clock: Clock) -> Reply:
    """Return the answer from the findings, the record of changes and what failed."""
    prompt = asked.prompt
    findings = findings_in(section(prompt, "Results of the steps"))
    changes = _lines(section(prompt, "Changes that were made"))
    failures = _lines(section(prompt, "Changes that failed").split("\nNow answer the person's request")[0])
    if (done := doing.answer(findings)) and not failures:
        return Reply(done)
    read = [finding for finding in findings if not finding.description.startswith(organising.WRITES)]
    answer = paragraphs(
        f"Done:\n{listed(changes)}" if changes else "",
        f"Not done:\n{listed(failures)}" if failures else "",
        _not_scheduled(findings, changes, failures),
        composed(read, clock, changed=bool(changes or failures)),
    )
    return Reply(answer or "I found nothing, and nothing was changed.")


def _not_scheduled(findings: list[Finding], changes: list[str], failures: list[str]) -> str:
    steps = [finding for finding in findings if finding.description.startswith(organising.WRITES)]
    if not steps or changes or failures:
        return ""
    return "Nothing was put on your calendar. " + "; ".join(missing(steps) or [steps[0].summary])


def _lines(text: str) -> list[str]:
    """Return the lines of a record without the tools' names."""
    lines = [re.sub(r"^\s*[-*]\s+(?:\w+:\s*)?", "", line).strip() for line in text.splitlines()]
    return [line for line in lines if line and line not in {"(none)", "none", "[]"}]


_BY_MODE: Final[Mapping[Mode, Callable[[Asked, Clock], Reply]]] = MappingProxyType(
    {
        Mode.ALLOW: _allow,
        Mode.DECIDE: _decide,
        Mode.REPAIR: _repaired,
        Mode.EXECUTE: _execute,
        Mode.STEP: _do_step,
        Mode.SYNTHESISE: _synthesise,
    }
)
