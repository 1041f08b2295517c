"""What a run looks like so far: a pure fold over its events.

Every live page, reload, terminal and export is this fold, so they cannot
disagree. An event that was folded already changes nothing, an event of a type
that is not known here is kept and harms nothing, and there is no clock: whoever
watches a run live says when an event arrived.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from pydantic import JsonValue, TypeAdapter, ValidationError

from nodes.vocabulary.events import (
    EVENT,
    Analysed,
    AnalysisBody,
    ApprovalBody,
    Done,
    Event,
    ExecutorReturned,
    ExecutorSpawned,
    Failed,
    FinishedReason,
    Plan,
    PlanCreated,
    SessionBody,
    SessionOpened,
    Step,
    StepCompleted,
    StepStarted,
    StepStatus,
    TextSaid,
    ToolCalled,
    ToolReturned,
    UsageBody,
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it came: its number, its JSON text and when, in ms since the watching began."""

    seq: int
    payload: str
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the plan, and when it was seen to begin and end."""

    number: int
    description: str
    needs_executor: bool
    tools: tuple[str, ...]
    depends_on: tuple[int, ...]
    status: StepStatus
    result: JsonValue = None
    error: str | None = None
    began_ms: int | None = None
    ended_ms: int | None = None

    @property
    def seen_ms(self) -> int | None:
        """Return how long the step was seen to take; None when nobody watched it begin or end."""
        return None if self.began_ms is None or self.ended_ms is None else self.ended_ms - self.began_ms


@dataclass(frozen=True, slots=True)
class PlanView:
    """The newest revision of the plan."""

    id: UUID
    revision: int


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """What an executor brought back."""

    success: bool
    data: dict[str, JsonValue] | None
    error: str | None
    tool_calls: int
    tokens: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class ExecutorView:
    """One executor at its step; no outcome while it works."""

    id: UUID
    step_number: int
    description: str
    goal: str
    outcome: OutcomeView | None = None


@dataclass(frozen=True, slots=True)
class ToolView:
    """One tool call. `success` is None while it runs; `executor_id` is None for the planner's own."""

    id: UUID
    name: str
    arguments: str
    step_number: int | None = None
    executor_id: UUID | None = None
    success: bool | None = None
    result: dict[str, JsonValue] | None = None
    error: str | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FailureView:
    """Why a run ended without an answer."""

    error: str
    code: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as far as its events tell; `queue_place` is how many of its session came before it."""

    last_seq: int = 0
    run_id: UUID | None = None
    queue_place: int = 0
    session: SessionBody | None = None
    analysis: AnalysisBody | None = None
    plan: PlanView | None = None
    steps: tuple[StepView, ...] = ()
    executors: tuple[ExecutorView, ...] = ()
    tools: tuple[ToolView, ...] = ()
    answer: str = ""
    usage: UsageBody | None = None
    finished_reason: FinishedReason | None = None
    failure: FailureView | None = None
    waiting: ApprovalBody | None = None
    unknown: tuple[Arrival, ...] = ()

    @property
    def ended(self) -> bool:
        """Say whether the terminal event was seen; a run that is `waiting` for a person has not ended."""
        return self.finished_reason is not None or self.failure is not None

    @property
    def steps_over(self) -> int:
        """Return how many steps have ended, well or not."""
        return sum(step.status in _OVER for step in self.steps)

    def tools_of(self, step_number: int | None) -> tuple[ToolView, ...]:
        """Return the calls made for a step; for None, those the planner made outside any step."""
        return tuple(tool for tool in self.tools if tool.step_number == step_number)

    def executors_of(self, step_number: int) -> tuple[ExecutorView, ...]:
        """Return the executors that worked on a step, in the order they began."""
        return tuple(executor for executor in self.executors if executor.step_number == step_number)


VIEW: Final[TypeAdapter[RunView]] = TypeAdapter(RunView)
_OVER: Final = frozenset({StepStatus.COMPLETED, StepStatus.FAILED, StepStatus.SKIPPED})


def reduce(view: RunView, arrival: Arrival) -> RunView:
    """Return the view with one more event in it."""
    if arrival.seq <= view.last_seq:
        return view
    view = replace(view, last_seq=arrival.seq, waiting=None)
    try:
        event = EVENT.validate_json(arrival.payload)
    except ValidationError:
        return replace(view, unknown=(*view.unknown, arrival))
    return _told(view, event, arrival.at_ms)


def fold(arrivals: Iterable[Arrival], view: RunView | None = None) -> RunView:
    """Return what a run looks like after all these events."""
    view = RunView() if view is None else view
    for arrival in arrivals:
        view = reduce(view, arrival)
    return view


def _told(view: RunView, event: Event, at_ms: int | None) -> RunView:
    match event:
        case SessionOpened() | Analysed() | TextSaid() | Done() | Failed():
            return _framed(view, event)
        case PlanCreated():
            return _planned(view, event.plan)
        case StepStarted() | StepCompleted():
            return _moved(view, event.step, at_ms)
        case ExecutorSpawned() | ExecutorReturned() | ToolCalled() | ToolReturned():
            return _worked(view, event)


def _framed(view: RunView, event: SessionOpened | Analysed | TextSaid | Done | Failed) -> RunView:
    match event:
        case SessionOpened():
            return replace(view, run_id=event.run.id, queue_place=event.run.queue_place, session=event.session)
        case Analysed():
            return replace(view, analysis=event.analysis)
        case TextSaid():
            return replace(view, answer=view.answer + event.content)
        case Done(approval=None):
            return replace(view, usage=event.usage, finished_reason=event.finished_reason)
        case Done():
            return replace(view, usage=event.usage, waiting=event.approval)
        case Failed():
            return replace(view, failure=FailureView(event.error, event.code, event.retryable))


def _worked(view: RunView, event: ExecutorSpawned | ExecutorReturned | ToolCalled | ToolReturned) -> RunView:
    match event:
        case ExecutorSpawned():
            return _spawned(view, event)
        case ExecutorReturned():
            return _returned(view, event)
        case ToolCalled():
            return _called(view, event)
        case ToolReturned():
            return _answered(view, event)


def _planned(view: RunView, plan: Plan) -> RunView:
    """A revision keeps the times of the steps it took over."""
    before = {step.number: step for step in view.steps}
    steps = tuple(_seen(before.get(step.step_number), step, None) for step in plan.steps)
    return replace(view, plan=PlanView(plan.id, plan.revision), steps=steps)


def _moved(view: RunView, step: Step, at_ms: int | None) -> RunView:
    known = {seen.number: seen for seen in view.steps}
    known[step.step_number] = _seen(known.get(step.step_number), step, at_ms)
    return replace(view, steps=tuple(known.values()))


def _seen(before: StepView | None, step: Step, at_ms: int | None) -> StepView:
    began_ms = None if before is None else before.began_ms
    ended_ms = None if before is None else before.ended_ms
    return StepView(
        number=step.step_number,
        description=step.description,
        needs_executor=step.executor_required,
        tools=tuple(step.tools),
        depends_on=tuple(step.depends_on),
        status=step.status,
        result=step.result,
        error=step.error,
        began_ms=at_ms if at_ms is not None and step.status is StepStatus.EXECUTING else began_ms,
        ended_ms=at_ms if at_ms is not None and step.status in _OVER else ended_ms,
    )


def _spawned(view: RunView, event: ExecutorSpawned) -> RunView:
    executor = ExecutorView(event.executor_id, event.step_number, event.task.description, event.task.goal)
    return replace(view, executors=(*view.executors, executor))


def _returned(view: RunView, event: ExecutorReturned) -> RunView:
    told = event.result
    outcome = OutcomeView(told.success, told.data, told.error, told.tool_calls_made, told.tokens_used, told.duration_ms)
    executors = (replace(one, outcome=outcome) if one.id == event.executor_id else one for one in view.executors)
    return replace(view, executors=tuple(executors))


def _called(view: RunView, event: ToolCalled) -> RunView:
    call = event.tool_call
    step_number = _planners_step(view) if event.step_number is None else event.step_number
    tool = ToolView(call.id, call.function.name, call.function.arguments, step_number, event.executor_id)
    return replace(view, tools=(*view.tools, tool))


def _planners_step(view: RunView) -> int | None:
    """The planner runs its steps one at a time, so a call of its own belongs to the one under way."""
    under_way = [step.number for step in view.steps if step.status is StepStatus.EXECUTING and not step.needs_executor]
    return under_way[0] if len(under_way) == 1 else None


def _answered(view: RunView, event: ToolReturned) -> RunView:
    told = event.tool_result
    tools = (
        replace(tool, success=told.success, result=told.result, error=told.error, duration_ms=told.duration_ms)
        if tool.id == told.tool_call_id
        else tool
        for tool in view.tools
    )
    return replace(view, tools=tuple(tools))
