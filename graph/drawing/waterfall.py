"""Draw what happened in a run on one time axis: turns, steps, executors, calls of models and tools.

What only waits is drawn lighter, what the run waited for with an outline.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Literal

from graph.drawing.picture import Picture, in_words, rect, text

LABEL_WIDTH: Final = 300
INDENT: Final = 14
AXIS_WIDTH: Final = 620
ROW_STEP: Final = 20
BAR_HEIGHT: Final = 12
AXIS_HEIGHT: Final = 26
MARGIN: Final = 12
MOST_TICKS: Final = 8
LEAST_WIDTH: Final = 1.5  # of a bar, so that what took no time is still seen

Kind = Literal["turn", "work", "model", "tool", "person"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time, in ms since the run was accepted. One that nobody saw end goes on to the edge."""

    kind: Kind
    began_ms: int
    ended_ms: int | None
    said: str
    waits: bool = False
    failed: bool = False
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the picture: its name, how deep it lies below others, and its bars."""

    name: str
    depth: int
    bars: tuple[Bar, ...]


def waterfall(rows: Sequence[Row]) -> Picture:
    """Return the picture of these rows, as wide as the last of their bars."""
    ends = [bar.began_ms if bar.ended_ms is None else bar.ended_ms for row in rows for bar in row.bars]
    last_ms = max([1, *ends])
    left = MARGIN + LABEL_WIDTH
    height = AXIS_HEIGHT + len(rows) * ROW_STEP + MARGIN
    parts = [*_axis(last_ms, left, height)]
    for place, row in enumerate(rows):
        parts += _row(row, AXIS_HEIGHT + place * ROW_STEP, left, last_ms)
    title = f"What happened in {in_words(last_ms)}, in {len(rows)} rows"
    return Picture(title, left + AXIS_WIDTH + MARGIN, height, tuple(parts))


def ticks(last_ms: int) -> list[int]:
    """Return round moments along the axis, from 0 on, at most `MOST_TICKS` behind it."""
    steps = (lead * 10**power for power in count() for lead in (1, 2, 5))
    return list(range(0, last_ms + 1, next(step for step in steps if last_ms / step <= MOST_TICKS)))


def _axis(last_ms: int, left: int, height: int) -> Iterator[str]:
    for moment in ticks(last_ms):
        x = left + AXIS_WIDTH * moment / last_ms
        yield f'<path class="tick" d="M{x:g},{AXIS_HEIGHT - 6} V{height - MARGIN}"/>'
        kind = "dim end" if x > left + AXIS_WIDTH - ROW_STEP else "dim middle"
        yield text(x, AXIS_HEIGHT / 2, in_words(moment), width=AXIS_WIDTH, kind=kind)


def _row(row: Row, y: int, left: int, last_ms: int) -> Iterator[str]:
    x = MARGIN + row.depth * INDENT
    yield text(x, y + ROW_STEP / 2, row.name, width=left - x - MARGIN)
    for bar in row.bars:
        yield _bar(bar, y, left, last_ms)


def _bar(bar: Bar, y: int, left: int, last_ms: int) -> str:
    ended_ms = last_ms if bar.ended_ms is None else bar.ended_ms
    x = left + AXIS_WIDTH * bar.began_ms / last_ms
    width = max(AXIS_WIDTH * (ended_ms - bar.began_ms) / last_ms, LEAST_WIDTH)
    kinds = (
        "bar",
        bar.kind,
        "wait" if bar.waits else "",
        "failed" if bar.failed else "",
        "critical" if bar.critical else "",
    )
    open_end = "" if bar.ended_ms is not None else ", not ended"
    on_path = ", on the critical path" if bar.critical else ""
    told = f"{bar.said}: {in_words(bar.began_ms)} to {in_words(ended_ms)}{open_end}{on_path}"
    return rect(x, y + (ROW_STEP - BAR_HEIGHT) / 2, width, BAR_HEIGHT, kind=kinds, title=told)
