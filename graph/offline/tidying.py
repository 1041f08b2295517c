"""A request without politeness around it: what the rules are matched against."""

import re
from typing import Final

MAX_REQUEST_CHARS: Final = 20_000  # more than a server takes

_BEFORE: Final = re.compile(
    r"(?:(?:hi|hello|hey|ok|okay|so|well|now|also|and then|then)\b[\s,!.]*(?=\S)"
    r"|(?:planwright|assistant)\b[\s,:!]+"
    r"|please\b[\s,]*"
    r"|(?:can|could|would|will) (?:you|we|i)(?: please)?\b(?: kindly)? (?:help me (?:to )?)?"
    r"|i(?:'d| would) like (?:you )?to |i (?:want|need) (?:you )?to |let(?:'s| us) |help me (?:to )?"
    r"|go ahead and |just |quickly )",
    re.IGNORECASE,
)
_AFTER: Final = re.compile(r"(?:[\s?!.;,]+|[\s,]+(?:please|thanks|thank you|for me|ok))$", re.IGNORECASE)
_HOLDS_A_TEXT: Final = re.compile(r"[^:]{0,80}\b(?:note|brain[- ]?dump)\b[^:]{0,300}:", re.IGNORECASE)
MAX_LAYERS: Final = 6


def tidied(request: str) -> str:
    """Return what is asked for. The text of a note keeps its end as it was written."""
    text = request[:MAX_REQUEST_CHARS].strip()
    for _ in range(MAX_LAYERS):
        before = _BEFORE.match(text)
        if before is None or before.end() >= len(text):
            break
        text = text[before.end() :].lstrip()
    return text if _HOLDS_A_TEXT.match(text) else _without_end(text.replace("’", "'"))


def _without_end(text: str) -> str:
    for _ in range(MAX_LAYERS):
        shorter = _trimmed(text)
        if shorter == text or not shorter:
            break
        text = shorter
    return text


def _trimmed(text: str) -> str:
    tail = text[-40:]
    match = _AFTER.search(tail)
    return text[: len(text) - len(tail) + match.start()] if match else text
