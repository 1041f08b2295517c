"""A person's message without what they quote in it: text of others, which is data and orders nothing."""

import re
from typing import Final

SHORT_QUOTE_CHARS: Final = 80  # a name; what is longer is somebody's text
SHORT_MESSAGE_CHARS: Final = 600  # of several paragraphs; a longer one holds a text
ORDER_CHARS: Final = 300  # in front of a text; a longer first paragraph is part of it
MAX_CHARS: Final = 2_000  # of one message; its order stands in front

_FENCED: Final = re.compile(r"(```|~~~).*?(?:\1|\Z)", re.DOTALL)
_QUOTED_LINES: Final = re.compile(r"(?:^[ \t]*>.*(?:\n|\Z))+", re.MULTILINE)
_LONG_QUOTES: Final = re.compile(
    "|".join(f"{a}[^{a}{b}]{{{SHORT_QUOTE_CHARS},}}{b}" for a, b in ("“”", "„“", '""', "«»"))
)
_TEXT_BEHIND: Final = re.compile(
    r"\b(?:translat|summar|proofread|rewrit|rephras|paraphras|shorten|correct|explain|read|repl(?:y|ies)|answer"
    r"|e-?mail|mail|message|letter|article|transcript|text|says?|said|wrote|writes|told|tells"
    r"|übersetz|fass|traduis|traduce|resum)\w*\b[^.!?\n]{0,200}:(?=\s+\S)",
    re.IGNORECASE,
)


def own_words(message: str) -> str:
    """Return the message with each part that is a text of others replaced by a mark."""
    text = _FENCED.sub(_mark, message)
    text = _QUOTED_LINES.sub(_mark, text)
    text = _LONG_QUOTES.sub(_mark, text)
    if found := _TEXT_BEHIND.search(text):
        text = text[: found.end()] + " " + _marked(text[found.end() :])
    first, gap, rest = text.strip().partition("\n\n")
    if len(text) > SHORT_MESSAGE_CHARS and rest.strip():
        text = (first if len(first) <= ORDER_CHARS else _marked(first)) + gap + _marked(rest)
    return text[:MAX_CHARS].strip()


def _mark(quoted: re.Match[str]) -> str:
    return _marked(quoted[0])


def _marked(text: str) -> str:
    return f"[text of {len(text)} characters, left out]"
