"""A run's record as a timeline for people, at 100 columns.

Each row is one row of a table; times are counted from the moment the request
was accepted. Long texts are cut: the tables hold the whole of them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nodes.vocabulary.events import Step, StepStatus
from persistence.record.conversations import AgentMessage, Conversation
from persistence.record.plans import PlanRow
from persistence.record.sums import Sums
from persistence.runs.runs import Run
from server.terminal.printable import one_line
from server.terminal.standing import rerun_words, status_words
from server.terminal.tree import STEP_MARKS
from server.terminal.wording import SEPARATOR, STEP_WORDS, counted, duration
from server.trace import Trace, names_of
from tools.intents import Intent

TEXT_CHARS: Final = 200  # of a text in a row; the column cuts it further
STEPS: Final = TypeAdapter(list[Step])
INTENTS: Final = TypeAdapter(list[Intent])

Row = tuple[str, ...]


def timeline(trace: Trace, sums: Sums, queue_place: int) -> Iterator[RenderableType]:
    """Yield the record's sections, from the run and its agents to its conversations and sums."""
    yield from _headed(trace.run, queue_place)
    yield from _section("Agents", _agents(trace))
    if trace.plan is not None:
        yield from _section(f"Plan {trace.plan.id}{SEPARATOR}revision {trace.plan.revision}", _steps(trace.plan))
    yield from _section("Timeline", _happenings(trace))
    yield from _section("May change", _intents(trace))
    yield from _section("Approvals", _approvals(trace))
    yield from _section("Executions", _executions(trace))
    for talk in trace.conversations:
        yield from _section(_title(trace, talk.conversation), _messages(talk.messages))
    yield from _section("Sums", _sums(sums))


def _headed(run: Run, queue_place: int) -> Iterator[Text]:
    facts = [
        status_words(run.status, queue_place),
        run.strategy or "undecided",
        f"attempt {run.attempt}",
        counted(run.last_seq, "event"),
    ]
    if run.finished_reason or run.error_code:
        facts.insert(1, run.finished_reason or run.error_code or "")
    if run.finished_at is not None:
        facts.append(duration(_ms(run.finished_at - run.created_at)))
    yield Text(f"Run {run.id}", style="bold")
    yield Text(SEPARATOR.join(facts))
    yield Text(f"“{one_line(run.request, TEXT_CHARS)}”")
    if run.replay_of is not None:
        yield Text(rerun_words(run))
    yield Text(f"accepted {run.created_at.isoformat(sep=' ', timespec='seconds')}, session {run.session_id}")


def _section(title: str, rows: Iterable[Row]) -> Iterator[RenderableType]:
    """A title over a grid whose last column takes what room there is; nothing when there are no rows."""
    held = list(rows)
    if not held:
        return
    grid = Table.grid(padding=(0, 2, 0, 0), expand=False)
    for place in range(len(held[0])):
        last = place == len(held[0]) - 1
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1 if last else None)
    grid.expand = True
    for row in held:
        grid.add_row(*(Text(cell) for cell in ("  " + row[0], *row[1:])))
    yield Text(f"\n{title}", style="bold")
    yield grid


def _agents(trace: Trace) -> Iterator[Row]:
    for agent in trace.agents:
        tools = counted(len(agent.available_tools), "tool")
        yield agent.type, agent.permissions, agent.model_preference, tools, agent.status, one_line(agent.name, 60)


def _steps(plan: PlanRow) -> Iterator[Row]:
    for step in STEPS.validate_python(plan.steps):
        who = "executor" if step.executor_required else "planner"
        after = "after " + ", ".join(map(str, step.depends_on)) if step.depends_on else ""
        text = one_line(step.description, TEXT_CHARS)
        if step.error:
            text = f"{one_line(step.error, 60)} ({text})"
        yield _marked(step.status), str(step.step_number), who, after, text


def _marked(status: StepStatus) -> str:
    icon, _ = STEP_MARKS[status]
    return f"{icon} {STEP_WORDS[status]}"


def _happenings(trace: Trace) -> Iterator[Row]:
    """Model calls, tool calls and executions in the order they began."""
    names = names_of(trace)
    began = trace.run.created_at
    rows = [*_model_rows(trace, names), *_tool_rows(trace, names)]
    for moment, row in sorted(rows, key=itemgetter(0)):
        yield f"+{_ms(moment - began) / 1000:.3f} s", *row


def _model_rows(trace: Trace, names: dict[UUID, str]) -> Iterator[tuple[datetime, Row]]:
    for call in trace.model_calls:
        count = f"{call.prompt_tokens or 0:,} + {call.completion_tokens or 0:,} tokens"
        estimated = " (estimated)" if call.estimated else ""
        how = SEPARATOR.join([count + estimated, call.outcome or "open", one_line(call.model, 40)])
        who = "" if call.agent_id is None else names.get(call.agent_id, "")
        yield call.created_at, (who, "model", one_line(call.purpose, 24), _lasted(call.duration_ms), how)


def _tool_rows(trace: Trace, names: dict[UUID, str]) -> Iterator[tuple[datetime, Row]]:
    undone = {undo.call_id for undo in trace.undos}
    for call in trace.tool_calls:
        state = "undone" if call.id in undone else call.state
        how = SEPARATOR.join(part for part in (state, call.error_code, one_line(call.arguments, 120)) if part)
        who = names.get(call.agent_id, "")
        yield call.created_at, (who, call.access, call.tool, _lasted(call.duration_ms), how)


def _intents(trace: Trace) -> Iterator[Row]:
    """What the person's own words asked for; any other write waited for them."""
    for intent in INTENTS.validate_python(trace.write_intents):
        most = "" if intent.at_most is None else f"at most {intent.at_most}"
        named = ", ".join(intent.names) or "not named"
        yield (
            intent.change,
            intent.to or "",
            SEPARATOR.join(filter(None, [*intent.which, most, one_line(named, TEXT_CHARS)])),
        )


def _approvals(trace: Trace) -> Iterator[Row]:
    """Each call that a person was asked about, with what was said of it."""
    for asked in trace.approvals:
        for call in asked.calls:
            note = one_line(asked.approval.note or "", TEXT_CHARS)
            about = SEPARATOR.join(part for part in (one_line(call.target, TEXT_CHARS), note) if part)
            yield str(asked.approval.position), call.verdict or asked.approval.status, call.tool, about


def _executions(trace: Trace) -> Iterator[Row]:
    for done in trace.executions:
        cost = f"{done.tokens_used:,} tokens"
        made = counted(done.tool_calls_made, "call")
        said = counted(done.message_count, "message")
        text = one_line(done.error or done.task, TEXT_CHARS)
        yield f"step {done.step_number}", done.status, _lasted(done.duration_ms), cost, made, said, text


def _title(trace: Trace, conversation: Conversation) -> str:
    names = names_of(trace)
    who = conversation.executor_agent_id
    with_whom = "Planner’s thinking" if who is None else f"Planner and {names.get(who, 'executor')}"
    if who is None and conversation.step_number is not None:
        with_whom += f" over step {conversation.step_number}"
    return SEPARATOR.join([with_whom, conversation.status, counted(conversation.message_count, "message")])


def _messages(messages: list[AgentMessage]) -> Iterator[Row]:
    for message in messages:
        calls = ", ".join(call.get("name", "?") for call in message.tool_calls or [])
        tokens = f"{message.tokens_used:,} tokens" if message.tokens_used else ""
        text = one_line(message.content, TEXT_CHARS)
        told = SEPARATOR.join(part for part in (f"calls {calls}" if calls else "", text) if part)
        yield str(message.position), message.role, tokens, one_line(message.model_used or "", 24), told


def _sums(sums: Sums) -> Iterator[Row]:
    total = sums.prompt_tokens + sums.completion_tokens
    cached = f" ({sums.cached_tokens:,} cached)" if sums.cached_tokens else ""
    tokens = f"{sums.prompt_tokens:,}{cached} + {sums.completion_tokens:,} = {total:,} tokens"
    said = sums.planner_message_tokens + sums.executor_message_tokens
    yield "model calls", str(sums.model_calls), duration(sums.model_ms), tokens
    shares = f"planner {sums.planner_message_tokens:,} + executors {sums.executor_message_tokens:,} = {said:,} tokens"
    yield "messages", str(sums.messages), "", shares
    made = f"{sums.execution_tokens:,} tokens{SEPARATOR}{counted(sums.execution_tool_calls, 'tool call')}"
    yield "executions", str(sums.executions), duration(sums.execution_ms), made
    yield "tool calls", str(sums.tool_calls), duration(sums.tool_ms), counted(sums.writes_applied, "write") + " applied"


def _lasted(ms: int | None) -> str:
    return "open" if ms is None else duration(ms)


def _ms(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))
