"""What is recorded of a run, as tables. Times are counted from the moment it was accepted."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue, ValidationError

from graph.debug import Table, Tables
from graph.drawing.picture import in_words
from graph.drawing.plan_graph import MARKS, PlanStep, critical_path
from persistence.runs.ledger import LedgerRow
from server.comparing import Comparison, Pair
from server.exports.bundle import Bundle, LoggedAt
from server.exports.figures import OF_STEPS, moment_ms, plan_steps
from server.prices import Cost
from server.terminal.tree import ARGUMENTS, arguments_of, first_sentence
from server.trace import PricedCall, Trace, names_of

LINE_MARKS: Final[Mapping[str, str]] = MappingProxyType({"first": "-", "second": "+"})  # as a diff has them
EVENT_CHARS: Final = 60  # of what an event says


def facts(bundle: Bundle) -> Table:
    """Return a run in a few rows: what was asked, how it ended, what it took."""
    run = bundle.trace.run
    rows = [
        ("request", run.request),
        ("status", " · ".join(filter(None, [run.status, run.finished_reason, run.error_code]))),
        ("strategy", run.strategy or "undecided"),
        ("steps", f"{run.steps_done} of {run.steps_total} done"),
        ("tool calls", f"{bundle.sums.tool_calls}, {bundle.sums.writes_applied} writes applied"),
        ("tokens", f"{run.prompt_tokens:,} + {run.completion_tokens:,}"),
        ("cost", _price(run.cost)),
        ("took", "not ended" if run.duration_ms is None else in_words(run.duration_ms)),
        ("answer", bundle.answer),
    ]
    if run.replay_of is not None:
        rows.insert(1, ("made from", f"run {run.replay_of}, its writes {run.writes}"))
    return Table(f"Run {run.id}", ("", ""), tuple(rows))


def steps(trace: Trace) -> Table:
    """Return the plan with its times: how long each step was at work, and how much of that models and tools took.

    “Waited for” marks the critical path: the chain of steps that the run could not end before.
    """
    planned = plan_steps(trace)
    path = critical_path(planned)
    rows = (
        (
            str(step.number),
            " ".join(MARKS[step.status]),
            step.by,
            ", ".join(map(str, step.depends_on)),
            _time(step.began_ms),
            _time(step.took_ms),
            _time(sum(call.duration_ms or 0 for call in _model_calls(trace, step))),
            _time(sum(call.duration_ms or 0 for call in trace.tool_calls if call.step_number == step.number)),
            "yes" if step.number in path else "",
            step.description,
        )
        for step in planned
    )
    heads = ("step", "state", "by", "after", "began", "took", "models", "tools", "waited for", "description")
    return Table(f"{len(planned)} steps", heads, tuple(rows))


def usage(trace: Trace) -> Table:
    """Return every model call with its tokens and its price, and what they add up to."""
    names, calls, run = names_of(trace), trace.model_calls, trace.run
    rows: list[tuple[str, ...]] = [
        (
            in_words(moment_ms(trace, call.created_at)),
            "" if call.agent_id is None else names.get(call.agent_id, ""),
            call.purpose,
            call.model,
            f"{call.prompt_tokens or 0:,}",
            f"{call.cached_tokens or 0:,}",
            f"{call.completion_tokens or 0:,}",
            "estimated" if call.estimated else call.outcome or "open",
            _time(call.duration_ms),
            _price(call.cost),
        )
        for call in calls
    ]
    sums = [f"{sum(number or 0 for number in column):,}" for column in _token_columns(calls)]
    took = _time(sum(call.duration_ms or 0 for call in calls))
    rows.append(("", "", f"{len(calls)} calls", "", *sums, "", took, _price(run.cost)))
    heads = ("at", "who", "for", "model", "prompt", "cached", "answer", "outcome", "took", "cost")
    return Table(f"Model calls; prices of {run.cost.as_of}", heads, tuple(rows))


def tools(trace: Trace) -> Table:
    """Return every tool call: who made it, what it was given, what became of it."""
    names, undone = names_of(trace), {undo.call_id for undo in trace.undos}
    rows = (
        (
            in_words(moment_ms(trace, call.created_at)),
            names.get(call.agent_id, ""),
            call.tool,
            call.access,
            "undone" if call.id in undone else call.state,
            _time(call.duration_ms),
            arguments_of(call.arguments),
            _message(call),
        )
        for call in trace.tool_calls
    )
    heads = ("at", "who", "tool", "access", "state", "took", "arguments", "result")
    return Table(f"{len(trace.tool_calls)} tool calls", heads, tuple(rows))


def events(bundle: Bundle) -> Table:
    """Return the run's event log, which is what HTTP streams: number, time, type, step, and a word on it."""
    rows = (
        (
            str(logged.seq),
            in_words(moment_ms(bundle.trace, logged.at)),
            str(logged.event.get("type", "")),
            _step_of(logged),
            _told(logged),
        )
        for logged in bundle.events
    )
    removed = bundle.trace.run.events_expired_at
    title = f"{len(bundle.events)} events" if removed is None else f"The events were removed on {removed:%Y-%m-%d}"
    return Table(title, ("seq", "at", "type", "step", ""), tuple(rows))


def differences(found: Comparison) -> Tables:
    """Return two runs side by side; what both have alike is in the tables too, but for the lines of their answers."""
    return Tables((_sides(found), _steps_beside(found), _tools_beside(found), _answers(found)))


def _sides(found: Comparison) -> Table:
    one, other = found.runs
    rows = (
        ("request", one.request, other.request),
        ("status", one.status, other.status),
        ("took", _time(one.duration_ms), _time(other.duration_ms)),
        ("models", ", ".join(one.models), ", ".join(other.models)),
        ("model calls", str(one.model_calls), str(other.model_calls)),
        ("prompt tokens", f"{one.prompt_tokens:,}", f"{other.prompt_tokens:,}"),
        ("answer tokens", f"{one.completion_tokens:,}", f"{other.completion_tokens:,}"),
        ("tool calls", str(one.tool_calls), str(other.tool_calls)),
        ("writes applied", str(one.writes_applied), str(other.writes_applied)),
    )
    return Table("Two runs", ("", "first", "second"), rows)


def _steps_beside(found: Comparison) -> Table:
    rows = (
        (
            str(step.number),
            "yes" if step.same else "no",
            *(said or "–" for said in step.status),
            *map(_time, step.duration_ms),
            _if_other(step.description),
        )
        for step in found.steps
    )
    heads = ("step", "alike", "first", "second", "took", "took", "description")
    return Table("Steps", heads, tuple(rows))


def _tools_beside(found: Comparison) -> Table:
    rows = ((tool.tool, *map(str, tool.calls), *map(str, tool.failed)) for tool in found.tools)
    return Table("Tool calls", ("tool", "first", "second", "in vain", "in vain"), tuple(rows))


def _answers(found: Comparison) -> Table:
    lines = tuple((LINE_MARKS[line.of], line.text) for line in found.answers.lines if line.of != "both")
    if found.answers.same:
        return Table("The answers are the same", ("", "line"), ())
    return Table("Lines that only one answer has" if lines else "The answers differ", ("", "line"), lines)


def _if_other(description: Pair[str | None]) -> str:
    one, other = description
    return one or "" if one == other else f"{one or '–'} → {other or '–'}"


def _model_calls(trace: Trace, step: PlanStep) -> Iterator[PricedCall]:
    """Yield the model calls of a step: its executors', or the planner's while it was at work on it."""
    executors = {done.executor_agent_id for done in trace.executions if done.step_number == step.number}
    for call in trace.model_calls:
        at_ms = moment_ms(trace, call.created_at)
        during = (step.began_ms or 0) <= at_ms and (step.ended_ms is None or at_ms <= step.ended_ms)
        is_planners = step.by == "planner" and call.purpose == OF_STEPS and during
        if call.agent_id in executors or is_planners:
            yield call


def _token_columns(calls: Sequence[PricedCall]) -> Iterator[list[int | None]]:
    yield [call.prompt_tokens for call in calls]
    yield [call.cached_tokens for call in calls]
    yield [call.completion_tokens for call in calls]


def _time(ms: int | None) -> str:
    return "" if ms is None else in_words(ms)


def _price(cost: Cost) -> str:
    return "not known" if cost.amount is None else f"{cost.amount} {cost.currency}"


def _message(call: LedgerRow) -> str:
    """Return the sentence that a call's result begins with, and the code of a refusal."""
    try:
        message = ARGUMENTS.validate_json(call.result or "{}").get("message")
    except ValidationError:
        return ""
    words = first_sentence(message) if isinstance(message, str) else ""
    return " · ".join(filter(None, [call.error_code, words]))


def _step_of(logged: LoggedAt) -> str:
    step = logged.event.get("step")
    number = step.get("stepNumber") if isinstance(step, dict) else logged.event.get("stepNumber")
    return "" if number is None else str(number)


def _told(logged: LoggedAt) -> str:
    """Return what the person would be told of an event: a tool's name, words of the answer, how it ended."""
    event = logged.event
    said: JsonValue = _inner(event, "tool_call", "function", "name") or event.get("content")
    said = said or event.get("finished_reason") or event.get("error")
    return said[:EVENT_CHARS] if isinstance(said, str) else ""


def _inner(value: JsonValue, *names: str) -> JsonValue:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
