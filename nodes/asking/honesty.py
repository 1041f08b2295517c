"""The answer against the record: what no tool confirmed may not stand as done.

The text is already on the person's screen, so what is wrong with it is said
behind it, in words taken from the ledger and not from the model. What counts as
a claim is decided in `nodes.asking.claims`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from nodes.asking.call_words import message_of, read_object
from nodes.asking.claims import Claim, claims
from nodes.asking.clauses import QUOTED, clauses
from persistence.runs.ledger import CallState, LedgerRow
from persistence.text import shortened
from tools.rulings import NOT_APPROVED

NEVER_ALLOWED: Final = frozenset({"unknown_tool", "write_denied"})  # nobody was promised what these tried
UNREADABLE: Final = "invalid_arguments"
OUR_TOOLS: Final = re.compile(r"create_|update_|schedule_|delete_")
TARGETS: Final = ("eventid", "taskid", "noteid", "braindumpid", "projectid", "title", "content")
TARGETS_OF_NEW: Final = ("title", "content")  # the project of a new row says where it goes, not which it is

_FAILURE: Final = re.compile(
    r"\b(?:not|no|cannot|unable|fail\w*|refused|error|neither|nor|none|nothing|unsuccessful\w*|\w+n't)\b",
    re.IGNORECASE,
)
_DOUBT: Final = re.compile(
    r"\b(?:unknown|unsure|unclear|uncertain|not (?:known|sure|certain|clear)|(?:cannot|can't) (?:tell|say|confirm)"
    r"|may or may not|don't know|whether)\b",
    re.IGNORECASE,
)
_DECLINED: Final = re.compile(
    rf"{_FAILURE.pattern}|\b(?:declin\w*|den(?:y|ied)|reject\w*|disapprov\w*|dropped|skipped|left out|took out)\b",
    re.IGNORECASE,
)
_WORDS_BY_TOOL: Final = (
    (r"create_", r"creat|add|sav|stor|captur|record"),
    (r"update_|schedule", r"updat|chang|mov|schedul|renam|mark|set|complet|book|edit|postpon|archiv|paus|clos"),
    (r"delete_", r"delet|remov|cancel|clear"),
)


def corrections(answer: str, calls: Sequence[LedgerRow]) -> str:
    """Return what has to be added to an answer: "" when it agrees with the record."""
    writes = [call for call in calls if call.access == "write" and call.error_code not in NEVER_ALLOWED]
    notes = [_said(call) for call in _lost(writes) if not _names_failure(answer, call)]
    applied = [call for call in writes if call.state == CallState.APPLIED]
    if not all(_confirmed(claim, applied) for claim in claims(answer)):
        notes.append(_what_changed(applied))
    return "\n".join(dict.fromkeys(notes))


def _confirmed(claim: Claim, applied: Sequence[LedgerRow]) -> bool:
    """Say whether the record has such a change often enough; what an operator's tool does is not known here."""
    fitting = [call for call in applied if re.search(claim.tools, call.tool)]
    return len(fitting) >= claim.times or any(not OUR_TOOLS.search(call.tool) for call in applied)


def _lost(writes: Sequence[LedgerRow]) -> Iterator[LedgerRow]:
    """Yield the writes that did not happen and that no later call made good."""
    for place, call in enumerate(writes):
        if call.state != CallState.APPLIED and not any(_made_good(call, later) for later in writes[place + 1 :]):
            yield call


def _made_good(lost: LedgerRow, later: LedgerRow) -> bool:
    """Say whether a later call did what this one was to do: the same to the same target, by a tool of its kind."""
    if later.state != CallState.APPLIED:
        return False
    target = _target(lost)
    if not target:
        return later.tool == lost.tool and lost.error_code == UNREADABLE
    related = later.tool == lost.tool or ("schedule" in lost.tool and "schedule" in later.tool)
    return related and target == _target(later)


def _target(call: LedgerRow) -> str:
    """Return what a call is about: an id, else a title; "" when its arguments do not say."""
    given = {name.replace("_", "").lower(): value for name, value in read_object(call.arguments).items()}
    names = TARGETS_OF_NEW if call.tool.startswith("create_") else TARGETS
    found = next((given[name] for name in names if given.get(name)), "")
    return found.strip().casefold() if isinstance(found, str) else ""


def _names_failure(answer: str, call: LedgerRow) -> bool:
    """Say whether the answer tells of this failure: in the ledger's words, or in its own with what was to be done."""
    message = message_of(call)
    if message and message.casefold() in answer.casefold():
        return True
    sign = _sign(call)
    words = next((words for tools, words in _WORDS_BY_TOOL if re.search(tools, call.tool)), re.escape(call.tool))
    about = re.compile(rf"\b(?:{words})\w*|\b{re.escape(call.tool)}\b", re.IGNORECASE)
    title = _title(call)
    if title and title in answer.casefold():
        return any(sign.search(line) and title in line.casefold() for line in re.split(r"(?<=[.!?])\s+|\n", answer))
    return any(
        sign.search(clause.text) and about.search(clause.text) and not (title and QUOTED in clause.text)
        for clause in clauses(answer)
    )


def _sign(call: LedgerRow) -> re.Pattern[str]:
    """Return the words by which a sentence tells that a call did not do what it was to do."""
    if call.state == CallState.UNKNOWN:
        return _DOUBT
    return _DECLINED if call.error_code == NOT_APPROVED else _FAILURE


def _title(call: LedgerRow) -> str:
    title = read_object(call.arguments).get("title")
    return title.strip().casefold() if isinstance(title, str) else ""


def _said(call: LedgerRow) -> str:
    doubt = "It is not known whether this took effect" if call.state == CallState.UNKNOWN else "Not done"
    return f"{doubt}: {shortened(call.tool, 60)}. {message_of(call)}".strip()


def _what_changed(applied: Sequence[LedgerRow]) -> str:
    done = dict.fromkeys(message for call in applied if (message := message_of(call)))
    if not done:
        return "Correction: nothing was changed in your workspace by this request."
    return "Correction: this and nothing else was changed: " + " ".join(done)
