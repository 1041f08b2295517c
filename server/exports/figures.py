"""A trace as its drawings need it: the plan's steps with their times, and everything that happened as rows.

Times are in ms since the request was accepted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from graph.drawing.plan_graph import PlanStep, critical_path
from graph.drawing.waterfall import Bar, Row
from nodes.vocabulary.events import Step, StepStatus
from persistence.runs.ledger import CallState, LedgerRow
from persistence.runs.usage import ModelCall
from server.trace import Trace

STEPS: Final = TypeAdapter(list[Step])
OF_STEPS: Final = "step"  # the purpose of the planner's model calls over its own steps


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when somebody was at work; None is not ended."""

    began_ms: int
    ended_ms: int | None

    def holds(self, moment_ms: int) -> bool:
        """Say whether a moment lies in it."""
        return self.began_ms <= moment_ms and (self.ended_ms is None or moment_ms <= self.ended_ms)


def plan_steps(trace: Trace) -> list[PlanStep]:
    """Return the steps of a run's plan, in its order."""
    spans = {step.step_number: _span_of_step(trace, step.step_number) for step in _steps(trace)}
    return [_drawn(step, spans[step.step_number]) for step in _steps(trace)]


def happenings(trace: Trace) -> list[Row]:
    """Return what happened, each turn, step and wait for the person where it began, and what belongs to it below."""
    groups = [*_turns(trace), *_waits_for_person(trace), *_step_groups(trace)]
    return [row for _, rows in sorted(groups, key=lambda group: group[0]) for row in rows]


def _steps(trace: Trace) -> list[Step]:
    return [] if trace.plan is None else STEPS.validate_python(trace.plan.steps)


def _span_of_step(trace: Trace, number: int) -> Span | None:
    """Return from when to when a step was at work: its executors one after the other, or the planner itself."""
    at_work = [(done.created_at, done.completed_at) for done in trace.executions if done.step_number == number]
    at_work += [
        (talk.conversation.created_at, talk.conversation.completed_at)
        for talk in trace.conversations
        if talk.conversation.step_number == number and talk.conversation.executor_agent_id is None
    ]
    if not at_work:
        return None
    ends = [ended for _, ended in at_work]
    last = None if None in ends else max(ended for ended in ends if ended is not None)
    return _span(trace, min(began for began, _ in at_work), last)


def _span(trace: Trace, began: datetime, ended: datetime | None) -> Span:
    return Span(moment_ms(trace, began), None if ended is None else moment_ms(trace, ended))


def moment_ms(trace: Trace, moment: datetime) -> int:
    """Return how long after the run was accepted something was; 0 when it was before."""
    return max(round((moment - trace.run.created_at) / timedelta(milliseconds=1)), 0)


def _drawn(step: Step, span: Span | None) -> PlanStep:
    return PlanStep(
        number=step.step_number,
        description=step.description,
        by="executor" if step.executor_required else "planner",
        status=step.status,
        depends_on=tuple(step.depends_on),
        began_ms=None if span is None else span.began_ms,
        ended_ms=None if span is None else span.ended_ms,
        reason=step.error or "",
    )


Group = tuple[int, list[Row]]  # when it began, and its rows


def _turns(trace: Trace) -> Iterator[Group]:
    """Yield each turn of the planner outside any step, and the calls that it made there."""
    planners = {agent.id for agent in trace.agents if agent.type == "planner"}
    for call in trace.model_calls:
        if call.agent_id in planners and call.purpose != OF_STEPS:
            row = _of_model(trace, call, f"Planner: {call.purpose}", depth=0, kind_is_turn=True)
            yield row.bars[0].began_ms, [row]
    for made in trace.tool_calls:
        if made.agent_id in planners and made.step_number is None:
            row = _of_tool(trace, made, depth=1)
            yield row.bars[0].began_ms, [row]


def _waits_for_person(trace: Trace) -> Iterator[Group]:
    for asked in trace.approvals:
        span = _span(trace, asked.approval.created_at, asked.approval.closed_at)
        said = f"{asked.approval.status}, {len(asked.calls)} calls"
        bar = Bar("person", span.began_ms, span.ended_ms, f"Waited for approval ({said})", waits=True)
        yield span.began_ms, [Row("Waited for your approval", 0, (bar,))]


def _step_groups(trace: Trace) -> Iterator[Group]:
    steps = plan_steps(trace)
    path = critical_path(steps)
    ends = {step.number: step.ended_ms for step in steps}
    planned_ms = 0 if trace.plan is None else moment_ms(trace, trace.plan.created_at)
    for step in steps:
        if step.began_ms is None:
            continue
        ready_ms = max([planned_ms, *(ends.get(number) or 0 for number in step.depends_on)])
        rows = [_of_step(step, ready_ms, critical=step.number in path)]
        rows += _of_executors(trace, step.number)
        rows += _of_planner_at(trace, step)
        yield step.began_ms, rows


def _of_step(step: PlanStep, ready_ms: int, *, critical: bool) -> Row:
    assert step.began_ms is not None, "only a step that began has a row"
    failed = step.status is StepStatus.FAILED
    wait = Bar("work", ready_ms, step.began_ms, "Ready, waiting for a place", waits=True)
    work = Bar("work", step.began_ms, step.ended_ms, f"Step {step.number}", failed=failed, critical=critical)
    bars = (wait, work) if step.began_ms > ready_ms else (work,)
    return Row(f"Step {step.number}  {step.description}", 0, bars)


def _of_executors(trace: Trace, number: int) -> Iterator[Row]:
    """Yield each executor of a step, lighter where it waits, and its calls below it."""
    for done in trace.executions:
        if done.step_number == number:
            span = _span(trace, done.created_at, done.completed_at)
            said = f"Executor, {done.status}"
            failed = done.success is False
            yield Row(said, 1, (Bar("work", span.began_ms, span.ended_ms, said, waits=True, failed=failed),))
            yield from _calls_of(trace, done.executor_agent_id)


def _calls_of(trace: Trace, agent_id: UUID) -> list[Row]:
    rows = [_of_model(trace, call, call.purpose, depth=2) for call in trace.model_calls if call.agent_id == agent_id]
    rows += [_of_tool(trace, call, depth=2) for call in trace.tool_calls if call.agent_id == agent_id]
    return _in_time(rows)


def _of_planner_at(trace: Trace, step: PlanStep) -> list[Row]:
    """Return the planner's calls over a step of its own: it works on one at a time, so times tell whose they are."""
    if step.by != "planner" or step.began_ms is None:
        return []
    span = Span(step.began_ms, step.ended_ms)
    rows = [
        _of_model(trace, call, "planner", depth=1)
        for call in trace.model_calls
        if call.purpose == OF_STEPS and span.holds(moment_ms(trace, call.created_at))
    ]
    planners = {agent.id for agent in trace.agents if agent.type == "planner"}
    rows += [
        _of_tool(trace, call, depth=1)
        for call in trace.tool_calls
        if call.step_number == step.number and call.agent_id in planners
    ]
    return _in_time(rows)


def _in_time(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: min(map(attrgetter("began_ms"), row.bars)))


def _of_model(trace: Trace, call: ModelCall, name: str, *, depth: int, kind_is_turn: bool = False) -> Row:
    began_ms = moment_ms(trace, call.created_at)
    ended_ms = None if call.duration_ms is None else began_ms + call.duration_ms
    tokens = (call.prompt_tokens or 0) + (call.completion_tokens or 0)
    said = f"{call.model}, {call.outcome or 'open'}, {tokens:,} tokens"
    failed = call.outcome not in {None, "answered"}
    bar = Bar("turn" if kind_is_turn else "model", began_ms, ended_ms, said, failed=failed)
    return Row(f"{name}  {call.model}", depth, (bar,))


def _of_tool(trace: Trace, call: LedgerRow, *, depth: int) -> Row:
    began_ms = moment_ms(trace, call.created_at)
    ended_ms = None if call.duration_ms is None else began_ms + call.duration_ms
    failed = call.state not in {CallState.APPLIED, CallState.INTENT, CallState.DRY}
    bar = Bar("tool", began_ms, ended_ms, f"{call.tool}, {call.access}, {call.state}", failed=failed)
    return Row(call.tool, depth, (bar,))
