"""What the ledger says about a call, as a sentence a person can read."""

import json
from typing import Final

from pydantic import JsonValue

from persistence.runs.ledger import LedgerRow
from persistence.text import shortened

MESSAGE_CHARS: Final = 600  # a tool's sentence is shorter; an operator's tool may say anything


def message_of(call: LedgerRow) -> str:
    """Return the sentence that a call ended with, "" when it has none."""
    message = read_object(call.result or "{}").get("message")
    return shortened(message, MESSAGE_CHARS) if isinstance(message, str) else ""


def read_object(text: str) -> dict[str, JsonValue]:
    """Return the JSON object that a stored text is, empty when it is none: what is looked at here never runs."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
