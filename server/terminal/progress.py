"""Progress as plain lines, for a log or a pipe: what one more event changed, in words."""

from collections.abc import Iterator

from nodes.vocabulary.events import StepStatus
from nodes.vocabulary.view import RunView, StepView, ToolView
from server.terminal.printable import one_line
from server.terminal.tree import LINE_CHARS, called, tool_ending
from server.terminal.wording import SEPARATOR, STRATEGY_WORDS, counted, headline, step_word, waits_behind


def progress(before: RunView, after: RunView) -> Iterator[str]:
    """Yield a line for each thing that `after` knows and `before` did not."""
    if after.queue_place and after.run_id != before.run_id:
        yield waits_behind(after.queue_place)
    if after.analysis is not None and after.analysis != before.analysis:
        words = STRATEGY_WORDS[after.analysis.strategy].capitalize()
        yield SEPARATOR.join([words, one_line(after.analysis.reasoning, LINE_CHARS)])
    if after.plan is not None and after.plan != before.plan:
        yield f"Plan, revision {after.plan.revision}: {counted(len(after.steps), 'step')}"
    yield from _moves(before, after)
    yield from _calls(before, after)
    if (after.ended and not before.ended) or (after.waiting is not None and after.waiting != before.waiting):
        yield headline(after)


def _moves(before: RunView, after: RunView) -> Iterator[str]:
    stood = {step.number: step.status for step in before.steps}
    for step in after.steps:
        if step.status is not StepStatus.PENDING and stood.get(step.number) is not step.status:
            yield _step_line(after, step)


def _step_line(view: RunView, step: StepView) -> str:
    parts = [f"Step {step.number} {step_word(step, run_ended=view.ended)}", one_line(step.description, LINE_CHARS)]
    if step.error:
        parts.append(one_line(step.error, LINE_CHARS))
    return SEPARATOR.join(parts)


def _calls(before: RunView, after: RunView) -> Iterator[str]:
    ended = {tool.id for tool in before.tools if tool.success is not None}
    for tool in after.tools:
        if tool.success is not None and tool.id not in ended:
            yield _call_line(tool)


def _call_line(tool: ToolView) -> str:
    place = "" if tool.step_number is None else f"Step {tool.step_number}, "
    who = "planner" if tool.executor_id is None else "executor"
    row = f"{place}{who}: {called(tool)}"
    return SEPARATOR.join([row[0].upper() + row[1:], tool_ending(tool)])
