"""The tree shows a run as it stands."""

import io
import json

import pytest
from pydantic import JsonValue
from rich.console import Console

from nodes.vocabulary.view import RunView, fold
from server.terminal.tree import arguments_of, drawn
from server.terminal.wording import headline
from tests.told import CALL, FAILED, RUN_OF_TWO_STEPS, SESSION, arrivals, called, plan, returned, step


def printed(view: RunView, elapsed_ms: int | None = None, *, terminal: bool = False) -> str:
    """Draw a view on a console that is, or is not, a terminal."""
    console = Console(file=io.StringIO(), width=160, force_terminal=terminal, markup=False, emoji=False)
    console.print(drawn(view, elapsed_ms))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_run_at_work_says_where_it_is() -> None:
    """The first line names the state, the strategy, the steps that are over and the time."""
    view = fold(arrivals(*RUN_OF_TWO_STEPS[:9]))
    assert headline(view, 12_000) == "Working · complex request · 1 of 2 steps · 12 s"


@pytest.mark.parametrize(
    ("last", "line"),
    [
        ({"finished_reason": "stop"}, "Done · 1 of 1 steps · 120 tokens"),
        ({"finished_reason": "cancelled"}, "Stopped by you · 1 of 1 steps · 120 tokens"),
        ({"finished_reason": "approval_required"}, "Waiting for your approval · 1 of 1 steps · 120 tokens"),
        ({"finished_reason": "budget_exhausted"}, "Stopped at its limit · 1 of 1 steps · 120 tokens"),
    ],
)
def test_a_run_that_ended_says_how(last: dict[str, JsonValue], line: str) -> None:
    """Each reason has its own plain words."""
    done: dict[str, JsonValue] = {
        "type": "done",
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        **last,
    }
    assert headline(fold(arrivals(SESSION, plan(step(1, "completed")), done))) == line


def test_a_run_that_nobody_took_is_queued() -> None:
    """Only the first event is there: the run waits."""
    assert headline(fold(arrivals(SESSION))) == "Queued"


def test_tools_stand_under_their_executor_and_executors_under_their_step() -> None:
    """Each level is set in further, and the executor is marked read-only."""
    lines = printed(fold(arrivals(*RUN_OF_TWO_STEPS))).splitlines()
    step_line, executor, tool = (next(line for line in lines if word in line) for word in ("Step 1", "exec", "list_"))
    assert "✔ 1 Step 1 · done · 42 ms" in step_line
    assert "executor · read-only · done · 120 tokens" in executor
    assert "list_tasks limit=5 · 7 ms · 5 tasks" in tool
    assert step_line.index("✔") < executor.index("executor") < tool.index("list_tasks")


def test_a_step_that_failed_says_why() -> None:
    """Its word is not its colour alone, and its reason stands beside it."""
    assert "✖ 2 Step 2 · failed · 30 ms · no" in printed(fold(arrivals(*RUN_OF_TWO_STEPS)))


def test_a_step_under_way_when_the_run_ended_was_stopped() -> None:
    """Nothing is shown as working in a run that is over."""
    text = printed(fold(arrivals(SESSION, plan(step(1, "executing"), step(2)), FAILED)))
    assert "Step 1 · stopped" in text
    assert "Step 2 · not started" in text
    assert "The model took too long." in text


@pytest.mark.parametrize("terminal", ["a terminal", "a pipe"])
def test_what_a_model_wrote_is_never_markup(terminal: str) -> None:
    """Markup, emoji codes and escape sequences in names, arguments and results are shown as they are."""
    evil = "[bold red]x[/] [link=http://evil]y[/link] :boom: \x1b[31mred"
    call = called(CALL)
    call["tool_call"] = {
        "id": str(CALL),
        "type": "function",
        "function": {"name": evil, "arguments": json.dumps({"query": evil})},
    }
    told = plan({**step(1), "description": evil})
    text = printed(fold(arrivals(SESSION, told, call, returned(CALL))), terminal=terminal == "a terminal")
    assert text.count("[bold red]x[/] [link=http://evil]y[/link] :boom:") == 2
    assert "query=[bold red]x[/] [link=http://evil]" in text
    assert "\x1b[31mred" not in text
    assert "\x1b]8;" not in text


def test_of_a_result_the_first_sentence_is_shown() -> None:
    """What follows in a tool's message is advice to the model."""
    result = returned(CALL)
    result["tool_result"] = {
        "tool_call_id": str(CALL),
        "success": True,
        "result": {"message": "8 tasks match. Use get_task_details with an id."},
        "duration_ms": 3,
    }
    assert printed(fold(arrivals(SESSION, called(CALL), result))).rstrip().endswith("3 ms · 8 tasks match")


def test_what_does_not_fit_is_cut_and_marked() -> None:
    """A row stays one row on a narrow terminal."""
    console = Console(file=io.StringIO(), width=30)
    console.print(drawn(fold(arrivals(*RUN_OF_TWO_STEPS)), None))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 30
    assert any(line.endswith("…") for line in lines)


def test_what_is_piped_has_no_escape_sequence() -> None:
    """A console that is no terminal gets text alone."""
    assert "\x1b" not in printed(fold(arrivals(*RUN_OF_TWO_STEPS)))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ('{"query": "a b", "limit": 5}', "query=a b limit=5"),
        ('{"status": ["done"]}', 'status=["done"]'),
        ("{}", ""),
        ("[1]", "[1]"),
        ('{"cut": ', '{"cut":'),
    ],
)
def test_arguments_are_shown_short(raw: str, shown: str) -> None:
    """Arguments that can be read are names and values; others are the text itself."""
    assert arguments_of(raw) == shown
