"""What a developer looks at in a notebook."""

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from graph.build import build
from graph.debug import (
    CELL_CHARS,
    LINES_SHOWN,
    Table,
    Tables,
    drawn_graph,
    drawn_plan,
    drawn_view,
    drawn_waterfall,
    history,
    notebook_screen,
    plain,
)
from graph.drawing.plan_graph import PlanStep
from graph.drawing.waterfall import Bar, Row
from nodes.vocabulary.events import StepStatus
from nodes.vocabulary.view import RunView, StepView
from tests.displayed import NoSocket, Seen, assert_harmless, displayed, formatted
from tests.hostile.test_text import TEXTS
from tests.page.hostile_text import HOSTILE
from tests.server.exports.test_page import ENDING

ATTACKS: Final = [*HOSTILE, *ENDING, *TEXTS.values()]
NOW: Final = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def things_saying(words: str) -> list[object]:
    """Return one of everything that is displayed, saying these words wherever it says any."""
    step = PlanStep(1, words, words, StepStatus.FAILED, (1,), 0, 5, words)
    table = Table(words, (words, "b"), ((words, words),))
    return [
        table,
        Tables((table, table)),
        drawn_plan([step]),
        drawn_waterfall([Row(words, 1, (Bar("tool", 0, 5, words),))]),
        drawn_view(words, planned(words), [words]),
        history([checkpoint(words)], NOW),
    ]


def planned(words: str) -> RunView:
    """Return the view of a run whose one step has failed, with these words."""
    return RunView(
        steps=(
            StepView(
                1, words, needs_executor=True, tools=(words,), depends_on=(1,), status=StepStatus.FAILED, error=words
            ),
        )
    )


def checkpoint(words: str, step: int = 3) -> StateSnapshot:
    """Return a checkpoint that says these words."""
    return StateSnapshot(
        values={"run_id": words, "route": words, "revision": 1},
        next=(words,),
        config=RunnableConfig(),
        metadata={"source": "loop", "step": step, "parents": {}},
        created_at=(NOW + timedelta(milliseconds=1_500)).isoformat(),
        parent_config=None,
        tasks=(),
        interrupts=(),
    )


@pytest.mark.parametrize("words", ATTACKS)
def test_no_text_becomes_markup_or_a_command(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a person, a model or a tool wrote is text in HTML, in SVG and in a terminal, and asks nobody."""
    for thing in things_saying(words):
        assert_harmless(displayed(thing, monkeypatch))


def test_the_graph_is_drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its picture comes without a socket, and names the nodes in a terminal too."""
    data = displayed(drawn_graph(), monkeypatch)
    assert_harmless(data)
    assert "make plan" in data["image/svg+xml"]
    assert "decide ▶ one of finish, make_plan, use_tools" in " ".join(data["text/plain"].split())


def test_a_compiled_graph_alone_would_go_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """LangGraph's own display asks a service, so what the test above holds is worth holding."""
    tried: list[object] = []

    def refuse(*asked: object, **_: object) -> None:
        tried.append(asked)
        raise NoSocket

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert "image/png" not in formatted(build())
    assert tried


def test_a_table_is_the_same_in_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads and cells stand in HTML as a table, in a terminal in columns."""
    data = displayed(Table("Two tools", ("tool", "calls"), (("list_tasks", "3"), ("get_note", "10"))), monkeypatch)
    assert Seen(data["text/html"]).texts == ["Two tools", "tool", "calls", "list_tasks", "3", "get_note", "10"]
    assert data["text/plain"].split("\n") == ["Two tools", "tool        calls", "list_tasks  3", "get_note    10"]


def test_several_tables_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is whole."""
    one, other = Table("One", ("a",), ()), Table("Other", ("b",), (("c",),))
    data = displayed(Tables((one, other)), monkeypatch)
    assert data["text/html"] == one.html() + other.html()
    assert data["text/plain"] == "One\n\nOther\nb\nc"


def test_a_table_without_rows_says_what_it_is() -> None:
    """Where there is nothing below the heads, they are left out, and what it is has room beside itself."""
    table = Table("The answers are the same", ("line",), ())
    assert Seen(table.html()).texts == ["The answers are the same"]
    assert "td" in Seen(table.html()).tags  # JupyterLab makes a caption as narrow as the columns below it
    assert repr(table) == "The answers are the same"


def test_a_short_cell_is_not_broken() -> None:
    """A figure stays beside its unit when a longer cell of its row takes the room."""
    took, said = Seen(Table("", ("", ""), (("282 ms", "Read the calendar of next week"),)).html()).texts
    assert (took, said) == ("282\N{NO-BREAK SPACE}ms", "Read the calendar of next week")


def test_long_cells_are_cut() -> None:
    """A cell ends somewhere, and says that it was cut."""
    long = "word " * 100
    table = Table("", ("",), ((long,),))
    assert table.html().count("word") < CELL_CHARS
    assert plain(long).endswith("…")
    assert len(plain(long)) == CELL_CHARS


def test_a_plan_is_told_in_a_terminal() -> None:
    """Each step has its state, who does it, what it waits for, and how long it took."""
    steps = [
        PlanStep(1, "Read the tasks", "executor", StepStatus.COMPLETED, (), 0, 1_200),
        PlanStep(2, "Create the task", "planner", StepStatus.FAILED, (1,), None, None, "It may not."),
    ]
    assert repr(drawn_plan(steps)).split("\n")[1:] == [
        "✓ 1 Read the tasks (executor): done, 1.2 s",
        "✗ 2 Create the task (planner, after 1): failed It may not.",
    ]


def test_the_last_calls_stand_below_a_run_under_way() -> None:
    """Of many calls the newest are shown."""
    told = drawn_view("Working", RunView(), [f"call {number}" for number in range(20)]).told
    assert told == ("Working", *(f"call {number}" for number in range(20 - LINES_SHOWN, 20)))


def test_history_says_when_what_came_next_and_how_large() -> None:
    """A checkpoint is a row: superstep, time since the run was accepted, next node, route, revision, size."""
    assert history([checkpoint("finish", 5)], NOW).rows == (("5", "1.5 s", "finish", "finish", "1", "54"),)
    ended = checkpoint("finish")._replace(next=())
    assert history([ended], NOW).rows[0][2] == "end"


def test_outside_a_notebook_there_is_no_screen() -> None:
    """The kit needs IPython for the live view only: without it everything else works, and nothing is imported."""
    program = (
        "import sys; from graph.debug import drawn_graph, notebook_screen;"
        "assert notebook_screen() is None; assert drawn_graph()._repr_svg_(); assert 'IPython' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert notebook_screen() is None
