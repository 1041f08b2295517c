"""A run as one HTML file that needs nothing else: no script, no address, and a policy that allows neither."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from graph.drawing.picture import STYLE as PICTURE_STYLE
from graph.drawing.plan_graph import MARKS, PlanStep, plan_graph
from graph.drawing.waterfall import waterfall
from persistence.record.conversations import AgentMessage
from persistence.runs.ledger import LedgerRow
from server.exports.bundle import Bundle
from server.exports.figures import happenings, plan_steps
from server.exports.markup import Inner, Markup, element, joined
from server.trace import Talk

STYLE: Final = (
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--dim:#59636e;--line:#d0d7de;--box:#f6f8fa}"
    "@media (prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;"
    "--box:#151b23}}body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:0 auto;"
    "max-width:75rem;padding:1rem}h1{font-size:1.4rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid var(--line);padding:.25rem .5rem;text-align:start;vertical-align:top;"
    "overflow-wrap:anywhere}th{color:var(--dim);font-weight:600}pre{background:var(--box);border:1px solid var(--line);"
    "border-radius:6px;margin:.25rem 0;overflow-wrap:anywhere;padding:.5rem;white-space:pre-wrap}"
    ".answer{font:inherit}.dim{color:var(--dim)}.wide{overflow-x:auto}summary{cursor:pointer}"
)
STYLES: Final = STYLE + PICTURE_STYLE
_DIGEST: Final = base64.b64encode(hashlib.sha256(STYLES.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"


def page_of(bundle: Bundle) -> bytes:
    """Return the file, in UTF-8."""
    title = f"Run {bundle.trace.run.id}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        Markup(f"<style>{STYLES}</style>"),
    )
    body = element("body", element("main", element("h1", title), *_sections(bundle)))
    return f"<!doctype html>\n{element('html', head, body, lang='en').html}\n".encode()


def _sections(bundle: Bundle) -> Iterable[Markup]:
    trace = bundle.trace
    yield _facts(bundle)
    yield _section("Request", _text(trace.run.request))
    yield _section("Answer", _text(bundle.answer) if bundle.answer else element("p", "There is no answer."))
    yield from _plan(plan_steps(trace))
    yield _section("What happened when", _wide("When what happened", Markup(waterfall(happenings(trace)).inline())))
    undone = {undo.call_id for undo in trace.undos}
    yield _section("Tool calls", *(_tool_call(call, undone=call.id in undone) for call in trace.tool_calls))
    yield _section("Conversations", *map(_talk, trace.conversations))
    yield _section("Model calls", _model_calls(bundle))
    yield _section("Approvals", *_approvals(bundle))
    yield _section("Sums", _sums(bundle))
    yield _section("Events", _events(bundle))


def _facts(bundle: Bundle) -> Markup:
    run = bundle.trace.run
    took = "" if run.finished_at is None else f"{(run.finished_at - run.created_at) / timedelta(seconds=1):.3f} s"
    facts = {
        "Status": " · ".join(filter(None, [run.status, run.finished_reason, run.error_code])),
        "Strategy": run.strategy or "undecided",
        "Accepted": run.created_at.isoformat(),
        "Took": took or "not ended",
        "Session": f"{bundle.session.title} ({bundle.session.id})",
        "Exported": f"{bundle.exported_at.isoformat()} by Planwright {bundle.program}",
    }
    if run.replay_of is not None:
        facts["Made from"] = f"run {run.replay_of}, its writes {run.writes}"
    return _table(None, [[name, value] for name, value in facts.items()])


def _plan(steps: Sequence[PlanStep]) -> Iterable[Markup]:
    if not steps:
        return
    rows = [
        [
            str(step.number),
            " ".join(MARKS[step.status]),
            step.by,
            ", ".join(map(str, step.depends_on)),
            "" if step.took_ms is None else f"{step.took_ms:,} ms",
            step.description + (f" ({step.reason})" if step.reason else ""),
        ]
        for step in steps
    ]
    yield _section(
        "Plan",
        _wide("The plan, drawn", Markup(plan_graph(steps).inline())),
        _wide("The plan's steps", _table(["Step", "State", "By", "After", "Took", "Description"], rows)),
    )


def _tool_call(call: LedgerRow, *, undone: bool) -> Markup:
    where = "" if call.step_number is None else f" · step {call.step_number}"
    took = "open" if call.duration_ms is None else f"{call.duration_ms:,} ms"
    state = f"{call.state}, undone since" if undone else call.state
    code = f" · {call.error_code}" if call.error_code else ""
    return _folded(
        f"{call.tool} · {call.access} · {state}{code}{where} · {took}",
        element("p", "Arguments", class_="dim"),
        _code(_indented(call.arguments)),
        element("p", "Result", class_="dim"),
        _code(_indented(call.result or "")),
    )


def _talk(talk: Talk) -> Markup:
    held = talk.conversation
    who = "Planner" if held.executor_agent_id is None else "Planner and executor"
    where = "" if held.step_number is None else f" over step {held.step_number}"
    title = f"{who}{where} · {held.status} · {held.message_count} messages"
    return _folded(title, *(piece for message in talk.messages for piece in _message(message)))


def _message(message: AgentMessage) -> Iterable[Markup]:
    facts = [f"{message.position}", message.role, message.model_used or ""]
    facts += [f"{message.tokens_used:,} tokens"] if message.tokens_used else []
    yield element("p", " · ".join(filter(None, facts)), class_="dim")
    if message.content:
        yield _code(message.content)
    for call in message.tool_calls or []:
        yield _code(f"{call.get('name', '')}({call.get('arguments', '')})")


def _model_calls(bundle: Bundle) -> Markup:
    rows = [
        [
            call.purpose,
            call.model,
            call.outcome or "open",
            f"{call.prompt_tokens or 0:,}",
            f"{call.cached_tokens or 0:,}",
            f"{call.completion_tokens or 0:,}",
            "by us" if call.estimated else "by the model",
            "open" if call.duration_ms is None else f"{call.duration_ms:,} ms",
        ]
        for call in bundle.trace.model_calls
    ]
    heads = ["Purpose", "Model", "Outcome", "Prompt", "Cached", "Answer", "Counted", "Took"]
    return _wide("Model calls", _table(heads, rows))


def _approvals(bundle: Bundle) -> Iterable[Markup]:
    for asked in bundle.trace.approvals:
        rows = [[call.tool, call.target, call.verdict or asked.approval.status] for call in asked.calls]
        yield element("p", f"{asked.approval.status} {asked.approval.note or ''}".strip())
        yield _wide(f"Calls asked about, {asked.approval.position}", _table(["Tool", "Target", "Verdict"], rows))


def _sums(bundle: Bundle) -> Markup:
    return _table(None, [[name.replace("_", " "), f"{count:,}"] for name, count in asdict(bundle.sums).items()])


def _events(bundle: Bundle) -> Markup:
    if bundle.trace.run.events_expired_at is not None:
        return element("p", f"They were removed on {bundle.trace.run.events_expired_at.isoformat()}.")
    lines = [f"{logged.seq}  {json.dumps(logged.event, ensure_ascii=False)}" for logged in bundle.events]
    return _folded(f"{len(lines)} events", _code("\n".join(lines)))


def _section(title: str, *inner: Inner) -> Markup:
    return element("section", element("h2", title), *inner) if inner else joined()


def _folded(title: str, *inner: Inner) -> Markup:
    return element("details", element("summary", title, dir="auto"), *inner)


def _text(said: str) -> Markup:
    return element("pre", said, class_="answer", dir="auto")


def _code(said: str) -> Markup:
    return element("pre", said, dir="auto")


def _wide(name: str, inner: Markup) -> Markup:
    """Return what may be wider than the window, to be moved sideways by itself, with the keyboard too."""
    return element("div", inner, class_="wide", tabindex="0", role="region", aria_label=name)


def _table(heads: Sequence[str] | None, rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table; without heads, the first cell of each row is its head."""
    if heads is None:
        body = [element("tr", element("th", head, scope="row"), element("td", said, dir="auto")) for head, said in rows]
        return element("table", element("tbody", *body))
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    body = [element("tr", *(element("td", cell, dir="auto") for cell in row)) for row in rows]
    return element("table", top, element("tbody", *body))


def _indented(text: str) -> str:
    """Return JSON with its lines; what is none, as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text
