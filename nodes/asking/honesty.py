"""The answer against the record: what no tool confirmed may not stand as done.

The text is already on the person's screen, so what is wrong with it is said
behind it, in words taken from the ledger and not from the model.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from persistence.runs.ledger import CallState, LedgerRow
from persistence.text import shortened
from tools.arguments import parse_object

_WRITES_BY_CLAIM: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"created|added|saved|noted|captured": r"create_",
        r"updated|changed|marked|set|completed|closed|renamed|archived|paused|reprioriti[sz]ed": r"update_",
        r"moved|scheduled|rescheduled|booked|blocked out|postponed": r"schedule|update_",
        r"deleted|removed|cancelled|canceled|unscheduled": r"delete_|update_",
    }
)
_FIRST_PERSON: Final = r"\b(?:i|i've|i have|we|we've|we have)\s+(?:have\s+|also\s+|now\s+|just\s+|already\s+|successfully\s+)*(?:{verb})\b"
_PASSIVE: Final = r"\b(?:has|have) been\s+(?:successfully\s+)?(?:{verb})\b"
_NEGATION: Final = re.compile(r"\b(?:not|n't|nothing|no|never|could|would|can|will|if|unless|until)\b", re.IGNORECASE)


def corrections(answer: str, calls: Sequence[LedgerRow]) -> str:
    """Return what has to be added to an answer: "" when it agrees with the record."""
    writes = [call for call in calls if call.access == "write"]
    lost = _lost(writes)
    notes = [_said(call) for call in lost if not _names_failure(answer, call)]
    if _claims_unconfirmed(answer, writes):
        notes.append(_what_changed(writes))
    return "\n".join(notes)


def _lost(writes: Sequence[LedgerRow]) -> list[LedgerRow]:
    """Return the writes that did not happen and that no later call of the same tool and target made good."""
    return [
        call
        for place, call in enumerate(writes)
        if call.state != CallState.APPLIED
        and not any(
            later.state == CallState.APPLIED and later.tool == call.tool and _target(later) == _target(call)
            for later in writes[place + 1 :]
        )
    ]


def _target(call: LedgerRow) -> str:
    """Return what a call was about: its id or its title, whatever stands first."""
    match = re.search(r'"(?:\w*_id|\w*Id|title|content)"\s*:\s*"([^"]{1,80})', call.arguments)
    return match.group(1) if match else ""


def _names_failure(answer: str, call: LedgerRow) -> bool:
    reason = _message(call)
    return bool(reason) and reason.casefold() in answer.casefold()


def _said(call: LedgerRow) -> str:
    doubt = "It is not known whether this took effect" if call.state == CallState.UNKNOWN else "Not done"
    return f"{doubt}: {shortened(call.tool, 60)}. {_message(call)}".strip()


def _message(call: LedgerRow) -> str:
    message = parse_object(call.result or "{}").get("message")
    return shortened(message, 300) if isinstance(message, str) else ""


def _claims_unconfirmed(answer: str, writes: Iterable[LedgerRow]) -> bool:
    """Say whether a sentence claims a kind of change that no applied write has."""
    applied = " ".join(call.tool for call in writes if call.state == CallState.APPLIED)
    return any(
        _claims(sentence, verbs)
        for sentence in re.split(r"(?<=[.!?])\s+|\n", answer)
        for verbs, tools in _WRITES_BY_CLAIM.items()
        if not re.search(tools, applied)
    )


def _claims(sentence: str, verbs: str) -> bool:
    if _NEGATION.search(sentence):
        return False
    patterns = (_FIRST_PERSON, _PASSIVE)
    return any(re.search(pattern.format(verb=verbs), sentence, re.IGNORECASE) for pattern in patterns)


def _what_changed(writes: Sequence[LedgerRow]) -> str:
    done = [_message(call) for call in writes if call.state == CallState.APPLIED]
    if not done:
        return "Correction: nothing was changed in your workspace."
    return "Correction: only this was changed: " + " ".join(done)
