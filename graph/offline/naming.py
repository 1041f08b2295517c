"""Which rows a person means by a name: the exact one, else those that hold all its words, else the most similar."""

import re
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Final, TypeVar

T = TypeVar("T")

MIN_SIMILARITY: Final = 0.8  # of 1: "quaterly reprot" is 0.87 like "quarterly report"
MAX_NAME_CHARS: Final = 200
_FILLERS: Final = frozenset(
    {"the", "a", "an", "my", "our", "this", "that", "called", "named", "titled", "about", "for", "of"}
)
_QUOTES: Final = "\"'“”‘’«»`*"
_WORD: Final = re.compile(r"\w+")


def plain(name: str) -> str:
    """Return a name without quotes, articles in front and case."""
    name = name.strip().strip(_QUOTES + ".,!?;: ").casefold()
    return re.sub(r"^(?:(?:the|a|an|my|our)\s+)+", "", name).strip(_QUOTES + " ")


def those_named(name: str, rows: Sequence[T], name_of: Callable[[T], str]) -> list[T]:
    """Return the rows a name may mean: those of the first rule that any row fits."""
    wanted = plain(name[:MAX_NAME_CHARS])
    if not wanted:
        return []
    words = _words(wanted)
    rules: tuple[Callable[[str], bool], ...] = (
        lambda title: title == wanted,
        lambda title: bool(words) and words <= _words(title),
        lambda title: wanted in title,
        lambda title: bool(words) and all(_begins_any(word, _words(title)) for word in words),
        lambda title: bool(words) and {_stem(word) for word in words} <= {_stem(word) for word in _words(title)},
        lambda title: SequenceMatcher(None, wanted, title).ratio() >= MIN_SIMILARITY,
    )
    for fits in rules:
        if found := [row for row in rows if fits(plain(name_of(row)))]:
            return found
    return []


def _stem(word: str) -> str:
    """Return a word without the endings that change most: "hiring" and "hire" are "hir"."""
    return re.sub(r"(?:ings?|ed|es|e|s)$", "", word) if len(word) > 3 else word  # noqa: PLR2004


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text)) - _FILLERS


def _begins_any(word: str, words: frozenset[str]) -> bool:
    return any(other.startswith(word) or (len(other) > 3 and word.startswith(other)) for other in words)  # noqa: PLR2004
