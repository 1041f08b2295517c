"""What a developer looks at in a notebook: pictures and tables that ask nobody for anything.

Each shows itself richly in Jupyter, VS Code and on GitHub, by SVG or HTML without
script in which every text is escaped, and as plain lines in a terminal. They are
made of plain data; where that comes from is the business of `server/notebooks`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Final, Protocol
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.graph import Graph
from langgraph.types import StateSnapshot

from graph.build import PlanwrightGraph, build
from graph.drawing.picture import in_words, shown
from graph.drawing.plan_graph import MARKS, PlanStep, plan_graph
from graph.drawing.under_way import under_way
from graph.drawing.waterfall import Row, waterfall
from graph.picture import svg
from nodes.vocabulary.view import RunView
from persistence.text import REPLACEMENT, shortened
from persistence.visible import visible

CELL_CHARS: Final = 160  # of a cell; what is longer is cut, and stands whole in the data
WHOLE_CHARS: Final = 14  # of a cell that stays on one line: a figure with its unit, a name with its number
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
LINES_SHOWN: Final = 5  # calls below the plan of a run under way


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads, and above them what they are. A row has as many cells as there are heads."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def html(self) -> str:
        """Return it as one element; of a table without rows what it is, as wide as that is."""
        if not self.rows:
            return f"<table><tbody><tr><td>{shown(self.title)}</td></tr></tbody></table>"
        head = "".join(f'<th scope="col">{shown(name)}</th>' for name in self.heads)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows)
        caption = f"<caption>{shown(self.title)}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        if not self.rows:
            return plain(self.title)
        lines = [[plain(cell) for cell in row] for row in (self.heads, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        spaced = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        return "\n".join([plain(self.title), *spaced])


@dataclass(frozen=True, slots=True)
class Tables:
    """Several tables, one below the other."""

    tables: tuple[Table, ...]

    def _repr_html_(self) -> str:
        return "".join(table.html() for table in self.tables)

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self.tables))


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture; `told` says the same in lines, for who sees no picture."""

    svg: str
    told: tuple[str, ...]

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return "\n".join(map(plain, self.told))


def drawn_graph(graph: PlanwrightGraph | None = None) -> Drawing:
    """Return the picture of the graph: ours, or another one that is compiled.

    A compiled graph itself is nothing to end a cell with: LangGraph has it drawn by a service elsewhere.
    """
    drawn = (graph or build()).get_graph()
    return Drawing(svg(drawn), tuple(wiring(drawn)))


def wiring(drawn: Graph) -> Iterator[str]:
    """Yield a line for each node with its successors; “one of” marks a choice that the node makes."""
    width = max(len(name) for name in drawn.nodes)
    for name in drawn.nodes:
        ways = [edge for edge in drawn.edges if edge.source == name]
        targets = ", ".join(edge.target.strip("_") for edge in ways)
        if ways:
            arrow = "▶ one of" if ways[0].conditional else "▶"
            yield f"{name.strip('_'):<{width}} {arrow} {targets}"


def drawn_plan(steps: Sequence[PlanStep]) -> Drawing:
    """Return the picture of a plan, with what the run waited for drawn thicker."""
    picture = plan_graph(steps)
    return Drawing(picture.alone(), (picture.title, *map(_step_line, steps)))


def drawn_waterfall(rows: Sequence[Row]) -> Drawing:
    """Return the picture of what happened when."""
    picture = waterfall(rows)
    return Drawing(picture.alone(), (picture.title, *map(_row_line, rows)))


def drawn_view(head: str, view: RunView, lines: Sequence[str]) -> Drawing:
    """Return the picture of a run as its events tell of it so far, with the last of some lines below the plan."""
    steps, last = steps_of(view), lines[-LINES_SHOWN:]
    return Drawing(under_way(head, steps, last).alone(), (head, *map(_step_line, steps), *last))


def steps_of(view: RunView) -> list[PlanStep]:
    """Return the steps of a run's plan as they are drawn."""
    return [
        PlanStep(
            number=step.number,
            description=step.description,
            by="executor" if step.needs_executor else "planner",
            status=step.status,
            depends_on=step.depends_on,
            began_ms=step.began_ms,
            ended_ms=step.ended_ms,
            reason=step.error or "",
        )
        for step in view.steps
    ]


async def checkpoints_of(graph: PlanwrightGraph, session_id: UUID, run_id: UUID) -> list[StateSnapshot]:
    """Return what LangGraph kept of a run, the newest first. The thread is its session, which may have had others.

    The checkpoint that only takes the next run's input in still has the state of the run before, and is neither's.
    """
    thread = RunnableConfig(configurable={"thread_id": str(session_id)})
    found: list[StateSnapshot] = []
    async for snapshot in graph.aget_state_history(thread):
        is_ours = snapshot.values.get("run_id") == str(run_id)
        if is_ours and (snapshot.metadata or {}).get("source") != "input":
            found.append(snapshot)
        elif found:
            break
    return found


def history(kept: Sequence[StateSnapshot], accepted: datetime) -> Table:
    """Return checkpoints as a table: when, in ms since the run was accepted, what came next, and how large it was."""
    heads = ("superstep", "after", "next", "route", "revision", "bytes")
    return Table(f"{len(kept)} checkpoints, the newest first", heads, tuple(_kept(each, accepted) for each in kept))


class Screen(Protocol):
    """What shows something in a notebook, and then something else in its place."""

    def update(self, obj: object) -> None:
        """Show this instead."""
        ...


def notebook_screen() -> Callable[[object], Screen] | None:
    """Return what shows a thing below the cell that runs; None outside a notebook.

    Whoever runs a notebook has IPython loaded, so nobody else needs to have it.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    display: Any = import_module("IPython.display").display
    return lambda first: display(first, display_id=True)


def plain(text: str) -> str:
    """Return a text as one line of a terminal, which it can tell nothing: no colours, no moves of the cursor."""
    line = " ".join(visible(text).split())
    return "".join(letter if letter.isprintable() else REPLACEMENT for letter in shortened(line, CELL_CHARS))


def _cell(text: str) -> str:
    said = shown(shortened(text, CELL_CHARS))
    return f"<td>{said.replace(' ', NO_BREAK) if len(text) <= WHOLE_CHARS else said}</td>"


def _kept(snapshot: StateSnapshot, accepted: datetime) -> tuple[str, ...]:
    state = snapshot.values
    saved = datetime.fromisoformat(snapshot.created_at or accepted.isoformat())
    return (
        str((snapshot.metadata or {}).get("step", "")),
        in_words(max(round((saved - accepted) / timedelta(milliseconds=1)), 0)),
        ", ".join(snapshot.next) or "end",
        str(state.get("route", "")),
        str(state.get("revision", "")),
        str(len(json.dumps(state))),
    )


def _step_line(step: PlanStep) -> str:
    mark, word = MARKS[step.status]
    after = f", after {', '.join(map(str, step.depends_on))}" if step.depends_on else ""
    took = "" if step.took_ms is None else f", {in_words(step.took_ms)}"
    return f"{mark} {step.number} {step.description} ({step.by}{after}): {word}{took} {step.reason}".rstrip()


def _row_line(row: Row) -> str:
    return f"{'· ' * row.depth}{row.name}: {'; '.join(_bars(row))}"


def _bars(row: Row) -> Iterable[str]:
    for bar in row.bars:
        end = "not ended" if bar.ended_ms is None else in_words(bar.ended_ms)
        yield f"{bar.said}, {in_words(bar.began_ms)} to {end}"
