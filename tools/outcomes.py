"""What calls come to: the words for it, how much of it is kept, and the state of its row in the ledger."""

from dataclasses import replace
from typing import Final

from persistence.runs.ledger import CallState, LedgerRow
from persistence.text import shortened, storable, storable_json
from tools.arguments import is_deeper
from tools.rulings import NOT_APPROVED
from tools.tool import Access, AnyTool, ToolAnswer, answer_of, answer_text, refused

MAX_RESULT_CHARS: Final = 16_000  # what a model can still read with several results beside it
MAX_RESULT_BYTES: Final = 30_000  # what an event can hold of it
MAX_MESSAGE_CHARS: Final = 2_000  # a message is a sentence or two
MAX_RESULT_DEPTH: Final = 32  # the deepest result of ours has five levels; what reads a result stops at 200
DENIED_CODES: Final = frozenset({"unknown_tool", "tool_not_offered", "write_denied", "budget_exhausted", NOT_APPROVED})
OUTCOME_UNKNOWN: Final = "outcome_unknown"
DRY_RUN: Final = "dry_run"  # in the data of an answer: the call was only tried out
CUT_OFF_CODES: Final = frozenset(
    {"tool_timeout", "tool_crashed"}
)  # outside our database they say nothing of the effect


def state_of(answer: ToolAnswer) -> CallState:
    """Return where a call stands that came to this."""
    if answer.success:
        return CallState.DRY if answer.data.get(DRY_RUN) is True else CallState.APPLIED
    if answer.code == OUTCOME_UNKNOWN:
        return CallState.UNKNOWN
    return CallState.DENIED if answer.code in DENIED_CODES else CallState.FAILED


def fitting(answer: ToolAnswer) -> ToolAnswer:
    """Return the answer as it can be stored and sent; data that is too large is left out, and said so."""
    message = shortened(storable(answer.message), MAX_MESSAGE_CHARS)
    if is_deeper(answer.data, MAX_RESULT_DEPTH):
        return ToolAnswer(f"{message} The result was nested too deep to show.", {}, answer.code)
    data = storable_json(answer.data)
    assert isinstance(data, dict), "cleaning keeps the shape"
    clean = ToolAnswer(message, data, answer.code)
    shown = answer_text(clean)
    if len(shown) <= MAX_RESULT_CHARS and len(shown.encode()) <= MAX_RESULT_BYTES:
        return clean
    return replace(clean, message=f"{message} The result was too large to show; ask for less.", data={})


def replayed(row: LedgerRow) -> ToolAnswer:
    """Return what a call of an earlier attempt came to; it does not run again."""
    return answer_of(row.result or "{}", row.error_code)


def as_far_as_known(tool: AnyTool, answer: ToolAnswer) -> ToolAnswer:
    """Return what a call came to that ran outside our database: one that was cut off there may have had its effect."""
    if tool.access is Access.WRITE and answer.code in CUT_OFF_CODES:
        return outcome_unknown(tool.name)
    return answer


def outcome_unknown(tool: str) -> ToolAnswer:
    """Return what can be said of an external call that began and has no outcome."""
    return refused(f"It is not known whether {tool} took effect. A person has to check.", OUTCOME_UNKNOWN)


def values_refused() -> ToolAnswer:
    """Return what can be said of values that the database did not take."""
    return refused("The database refused these values. Check ids, lengths and dates.", "values_refused")


def too_slow(tool: AnyTool) -> ToolAnswer:
    """Return what can be said of a call that took longer than it may."""
    return refused(f"{tool.name} took too long and was stopped. Ask for less at once.", "tool_timeout")
