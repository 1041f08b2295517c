"""The live tree: a run as it stands, drawn for a terminal.

Everything a model or a tool said goes in as `Text`, never as markup.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError
from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from nodes.vocabulary.events import StepStatus
from nodes.vocabulary.view import ExecutorView, RunView, StepView, ToolView
from server.terminal.printable import one_line, printable
from server.terminal.wording import SEPARATOR, counted, duration, headline, step_word

LINE_CHARS: Final = 100  # a longer description or result is cut, not wrapped: one row, one fact
NAME_CHARS: Final = 60
ARGUMENT_CHARS: Final = 40
ARGUMENTS: Final = TypeAdapter(dict[str, JsonValue])
ANSWER_TAIL_LINES: Final = 8  # of the answer while it is being written; the whole of it follows on stdout

STEP_MARKS: Final[Mapping[StepStatus, tuple[str, str]]] = MappingProxyType(
    {
        StepStatus.PENDING: ("○", "dim"),
        StepStatus.EXECUTING: ("▶", "cyan"),
        StepStatus.COMPLETED: ("✔", "green"),
        StepStatus.FAILED: ("✖", "red"),
        StepStatus.SKIPPED: ("↷", "yellow"),
    }
)


def drawn(view: RunView, elapsed_ms: int | None) -> RenderableType:
    """Return the run as a tree, with the end of an answer that is still being written."""
    tree = Tree(Text(headline(view, elapsed_ms), style="bold"), guide_style="dim")
    _hang_plan(tree, view)
    for tool in view.tools_of(None):
        tree.add(tool_row(tool))
    if view.failure is not None:
        tree.add(Text(one_line(view.failure.error, LINE_CHARS), style="red"))
    if view.ended or not view.answer:
        return tree
    tail = printable(view.answer).splitlines()[-ANSWER_TAIL_LINES:]
    return Group(tree, Text("\n".join(tail)))


def _hang_plan(tree: Tree, view: RunView) -> None:
    if view.plan is None and not view.steps:
        return
    revised = view.plan is not None and view.plan.revision > 1
    plan = tree.add(Text(f"Plan, revision {view.plan.revision}" if revised and view.plan else "Plan"))
    for step in view.steps:
        _hang_step(plan, view, step)


def _hang_step(plan: Tree, view: RunView, step: StepView) -> None:
    row = plan.add(step_row(view, step))
    executors = view.executors_of(step.number)
    tools = view.tools_of(step.number)
    for executor in executors:
        lane = row.add(executor_row(executor))
        for tool in tools:
            if tool.executor_id == executor.id:
                lane.add(tool_row(tool))
    known = {executor.id for executor in executors}
    for tool in tools:
        if tool.executor_id not in known:
            row.add(tool_row(tool))


def step_row(view: RunView, step: StepView) -> Text:
    """Return a step with its mark, word, time and what it waits for or failed of."""
    icon, style = STEP_MARKS[step.status]
    facts = [step_word(step, run_ended=view.ended)]
    took = _step_ms(view, step)
    if took is not None:
        facts.append(duration(took))
    if step.status is StepStatus.PENDING and step.depends_on and not view.ended:
        facts.append("after " + ", ".join(map(str, step.depends_on)))
    if step.error:
        facts.append(one_line(step.error, LINE_CHARS))
    title = f" {step.number} {one_line(step.description, LINE_CHARS)}"
    return _row((icon, style), title, (SEPARATOR + SEPARATOR.join(facts), "dim"))


def _step_ms(view: RunView, step: StepView) -> int | None:
    """What its executors measured, else what was seen; a time of nothing was a replay, not a measurement."""
    outcomes = [one.outcome for one in view.executors_of(step.number) if one.outcome is not None]
    return sum(outcome.duration_ms for outcome in outcomes) or step.seen_ms or None


def executor_row(executor: ExecutorView) -> Text:
    """Return an executor with its badge and, once it ended, what it cost."""
    facts = ["read-only"]
    if executor.outcome is not None:
        facts.append("done" if executor.outcome.success else "failed")
        facts.append(f"{executor.outcome.tokens:,} tokens")
        if executor.outcome.error:
            facts.append(one_line(executor.outcome.error, LINE_CHARS))
    return _row(("executor", "magenta"), (SEPARATOR + SEPARATOR.join(facts), "dim"))


def tool_row(tool: ToolView) -> Text:
    """Return a tool call: name, arguments, and its result's sentence or its refusal."""
    told = tool_ending(tool)
    style = "red" if tool.success is False else "dim"
    return _row((called(tool), "blue"), (SEPARATOR + told, style))


def _row(*parts: str | tuple[str, str]) -> Text:
    """One row of the tree; what does not fit the terminal is cut and marked, so that the shape stays."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def tool_ending(tool: ToolView) -> str:
    """Return how a call went, with its time: “12 ms · 5 tasks match”.

    Of its message the first sentence; what follows is advice to the model.
    """
    if tool.success is None:
        return "running"
    message = tool.error if not tool.success else (tool.result or {}).get("message")
    words = first_sentence(message) if isinstance(message, str) else ""
    if not tool.success:
        words = f"refused: {words}" if words else "refused"
    return SEPARATOR.join(part for part in (duration(tool.duration_ms or 0), words) if part)


def first_sentence(text: str) -> str:
    """Return the first sentence without its full stop, as one printable line."""
    return one_line(text, LINE_CHARS).partition(". ")[0].removesuffix(".")


def called(tool: ToolView) -> str:
    """Return a call as “name argument=value …”; a model may name a tool that there is not, in any letters."""
    return f"{one_line(tool.name, NAME_CHARS)} {arguments_of(tool.arguments)}".rstrip()


def arguments_of(raw: str) -> str:
    """Return raw argument text as “name=value …”, or as it is when it cannot be read."""
    try:
        read = ARGUMENTS.validate_json(raw)
    except ValidationError:
        return one_line(raw, ARGUMENT_CHARS)
    pairs = (f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in read.items())
    return one_line(" ".join(pairs), ARGUMENT_CHARS)


def totals(view: RunView) -> str:
    """Return what the run was made of: “4 steps · 3 executors · 11 tool calls”."""
    parts = [(len(view.steps), "step"), (len(view.executors), "executor"), (len(view.tools), "tool call")]
    return SEPARATOR.join(counted(count, one) for count, one in parts if count)
