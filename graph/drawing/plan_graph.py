"""Draw a plan: a column for each depth of dependencies, a row for each step in the plan's order.

The critical path, the chain that the run waited for, is drawn thicker.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from graph.drawing.picture import Picture, classes, in_words, rect, text
from nodes.vocabulary.events import StepStatus

BOX_WIDTH: Final = 280
BOX_HEIGHT: Final = 42
COLUMN_STEP: Final = 340
ROW_STEP: Final = 54
MARGIN: Final = 16
PADDING: Final = 8
MARKS: Final[Mapping[StepStatus, tuple[str, str]]] = MappingProxyType(
    {
        StepStatus.PENDING: ("○", "waiting"),
        StepStatus.EXECUTING: ("◐", "working"),
        StepStatus.COMPLETED: ("✓", "done"),
        StepStatus.FAILED: ("✗", "failed"),
        StepStatus.SKIPPED: ("–", "skipped"),
    }
)


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step: who does it, what it waits for, and when it was at work, in ms since the run was accepted.

    `reason` is why it failed or was skipped.
    """

    number: int
    description: str
    by: str
    status: StepStatus
    depends_on: tuple[int, ...] = ()
    began_ms: int | None = None
    ended_ms: int | None = None
    reason: str = ""

    @property
    def took_ms(self) -> int | None:
        """Return how long it was at work, as far as that is known."""
        return None if self.began_ms is None or self.ended_ms is None else self.ended_ms - self.began_ms


def plan_graph(steps: Sequence[PlanStep]) -> Picture:
    """Return the picture of a plan; one without steps is an empty paper."""
    depth = depths(steps)
    path = critical_path(steps)
    at = {
        step.number: (MARGIN + depth[step.number] * COLUMN_STEP, MARGIN + row * ROW_STEP)
        for row, step in enumerate(steps)
    }
    parts = [
        _edge(at[before], at[step.number], critical=(before, step.number) in {*pairwise(path)})
        for step in steps
        for before in step.depends_on
        if before in at
    ]
    parts += [_box(step, *at[step.number], on_path=step.number in path) for step in steps]
    width = max((x for x, _ in at.values()), default=0) + BOX_WIDTH + MARGIN
    height = MARGIN * 2 + max(len(steps) - 1, 0) * ROW_STEP + BOX_HEIGHT
    return Picture(_title(steps, path), width, height, tuple(parts))


def depths(steps: Sequence[PlanStep]) -> dict[int, int]:
    """Return the column of each step: how many steps stand before it on the longest way to it.

    What depends on itself, or on a step that is not there, is placed all the same.
    """
    found = {step.number: 0 for step in steps}
    for _ in steps:
        for step in steps:
            before = [found[number] for number in step.depends_on if number in found and number != step.number]
            found[step.number] = min(max(before, default=-1) + 1, len(steps) - 1)
    return found


def critical_path(steps: Sequence[PlanStep]) -> tuple[int, ...]:
    """Return the chain that the run waited for: back from what ended last, each time to what it waited for last."""
    ended = {step.number: step for step in steps if step.ended_ms is not None}
    path: list[int] = []
    candidates: Collection[int] = ended
    while left := [ended[number] for number in candidates if number in ended and number not in path]:
        last = max(left, key=lambda step: (step.ended_ms or 0, -step.number))
        path.append(last.number)
        candidates = last.depends_on
    return tuple(reversed(path))


def _edge(source: tuple[int, int], target: tuple[int, int], *, critical: bool) -> str:
    x, y = source[0] + BOX_WIDTH, source[1] + BOX_HEIGHT // 2
    to_x, to_y = target[0], target[1] + BOX_HEIGHT // 2
    bend = max((to_x - x) // 2, 20)
    way = f"M{x},{y} C{x + bend},{y} {to_x - bend},{to_y} {to_x},{to_y}"
    return f'<path{classes("edge", "critical" if critical else "")} d="{way}"/>'


def _box(step: PlanStep, x: int, y: int, *, on_path: bool) -> str:
    mark, word = MARKS[step.status]
    kind = ("box", "failed" if step.status is StepStatus.FAILED else "", "critical" if on_path else "")
    facts = [f"{mark} {word}", step.by, *([] if step.took_ms is None else [in_words(step.took_ms)])]
    told = f"Step {step.number}: {step.description}. {', '.join(facts[1:])}, {word}. {step.reason}".strip()
    room = BOX_WIDTH - 2 * PADDING
    said = [*facts, step.reason] if step.reason else facts
    return (
        rect(x, y, BOX_WIDTH, BOX_HEIGHT, kind=kind, title=told)
        + text(x + PADDING, y + 13, f"{step.number}  {step.description}", width=room)
        + text(x + PADDING, y + 30, " · ".join(said), width=room, kind="dim")
    )


def _title(steps: Sequence[PlanStep], path: Sequence[int]) -> str:
    said = f"Plan of {len(steps)} steps"
    return f"{said}; the run waited for steps {', '.join(map(str, path))}" if path else said
