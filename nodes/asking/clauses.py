"""An answer cut into clauses, with what is not the speaker's own words taken out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

QUOTED: Final = "❝"  # stands for everything in quotes: a title says nothing about what was done

_FENCE: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_QUOTES: Final = re.compile(
    r"“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|\"[^\"\n]*\"|`[^`\n]*`|‘[^’\n]*’(?!\w)|(?<!\w)'[^'\n]*'(?!\w)"
)
_BOLD: Final = re.compile(r"\*\*(?!\s*(?:done|all|\w+ed\b|i\b|i've\b))[^*\n]+\*\*", re.IGNORECASE)
_ITEM: Final = re.compile(r"^\s*(?:[-*•+–]|\d+[.)])\s+")
_MARKS: Final = re.compile(rf"^(?:\[[ xX]\]|[^\w{QUOTED}])+")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")
_CLAUSE_END: Final = re.compile(
    r"[,;:()—–]\s*|\s-\s|\s+(?=but\s)|(?<=\w)\s+(?=(?:and|so|then)\s+(?:i|we)\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause. `heading` is the line above the list that it stands in, None outside lists."""

    text: str
    begins_sentence: bool
    asks: bool
    heading: str | None


def clauses(answer: str) -> Iterator[Clause]:
    """Yield the clauses of an answer in order; quotes become one sign, code and quoted lines nothing."""
    heading = ""
    for line in _plain(answer).splitlines():
        if line.lstrip().startswith((">", "|")):
            continue
        is_item = _ITEM.match(line) is not None
        heading = heading if is_item or not line.strip() else line
        for sentence in _SENTENCE_END.split(line):
            yield from _of_sentence(sentence, (heading or None) if is_item else None)


def _of_sentence(sentence: str, heading: str | None) -> Iterator[Clause]:
    parts = [part for part in _CLAUSE_END.split(_ITEM.sub("", sentence, count=1)) if part.strip()]
    for place, part in enumerate(parts):
        text = re.sub(r"^(?:but|so|and)\s+(?=(?:i|we)\b)", "", _MARKS.sub("", part), flags=re.IGNORECASE)
        yield Clause(text.rstrip(" .!?*_"), place == 0, part.rstrip().endswith("?"), heading)


def _plain(answer: str) -> str:
    without_code = _FENCE.sub("", answer)
    quoted = _BOLD.sub(QUOTED, _QUOTES.sub(QUOTED, without_code))
    return quoted.replace("’", "'").replace("**", "").replace("__", "")
