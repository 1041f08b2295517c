"""The words for a run and its steps, the same in the tree, in plain lines and in the timeline."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from nodes.vocabulary.events import FinishedReason, StepStatus, Strategy
from nodes.vocabulary.view import RunView, StepView

STRATEGY_WORDS: Final[Mapping[Strategy, str]] = MappingProxyType(
    {Strategy.SIMPLE: "simple request", Strategy.TOOL_USE: "tool request", Strategy.COMPLEX: "complex request"}
)
STEP_WORDS: Final[Mapping[StepStatus, str]] = MappingProxyType(
    {
        StepStatus.PENDING: "waiting",
        StepStatus.EXECUTING: "working",
        StepStatus.COMPLETED: "done",
        StepStatus.FAILED: "failed",
        StepStatus.SKIPPED: "skipped",
    }
)
ENDING_WORDS: Final[Mapping[FinishedReason, str]] = MappingProxyType(
    {
        FinishedReason.STOP: "Done",
        FinishedReason.CANCELLED: "Stopped by you",
        FinishedReason.APPROVAL_REQUIRED: "Waiting for your approval",
        FinishedReason.BUDGET_EXHAUSTED: "Stopped at its limit",
    }
)
SEPARATOR: Final = " · "
MS_PER_SECOND: Final = 1000
MS_PER_MINUTE: Final = 60_000


def headline(view: RunView, elapsed_ms: int | None = None) -> str:
    """Return the run in one line, such as “Working · complex request · 2 of 4 steps · 12 s”."""
    parts = [_state(view)]
    if view.analysis is not None and not view.ended and view.waiting is None:
        parts.append(STRATEGY_WORDS[view.analysis.strategy])
    if view.steps:
        parts.append(f"{view.steps_over} of {len(view.steps)} steps")
    if view.usage is not None:
        parts.append(f"{view.usage.total_tokens:,} tokens")
    if elapsed_ms is not None:
        parts.append(duration(elapsed_ms))
    return SEPARATOR.join(parts)


def _state(view: RunView) -> str:
    if view.failure is not None:
        return "Failed"
    if view.finished_reason is not None:
        return ENDING_WORDS[view.finished_reason]
    if view.waiting is not None:
        return ENDING_WORDS[FinishedReason.APPROVAL_REQUIRED]
    if view.last_seq > 1:
        return "Working"
    return waits_behind(view.queue_place) if view.queue_place else "Queued"


def waits_behind(place: int) -> str:
    """Return what a message waits for whose session has others before it."""
    return f"Waiting for {counted(place, 'earlier message')} of this session…"


def step_word(step: StepView, *, run_ended: bool) -> str:
    """Return where a step stands; in a run that ended, a step under way was stopped."""
    if run_ended and step.status in {StepStatus.EXECUTING, StepStatus.PENDING}:
        return "stopped" if step.status is StepStatus.EXECUTING else "not started"
    return STEP_WORDS[step.status]


def duration(ms: int) -> str:
    """Return a duration for people: “7 ms”, “1.2 s”, “12 s”, “3 min 5 s”."""
    if ms < MS_PER_SECOND:
        return f"{ms} ms"
    if ms < 10 * MS_PER_SECOND:
        return f"{ms / MS_PER_SECOND:.1f} s"
    if ms < MS_PER_MINUTE:
        return f"{ms // MS_PER_SECOND} s"
    return f"{ms // MS_PER_MINUTE} min {ms % MS_PER_MINUTE // MS_PER_SECOND} s"


def counted(count: int, one: str) -> str:
    """Return “1 task”, “3 tasks”."""
    return f"{count} {one}" if count == 1 else f"{count:,} {one}s"
