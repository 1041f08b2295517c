"""The small language that the table of requests is written in.

    (move|shift) [the|my] {name}     one of · maybe · any words, kept under a name
    [all|of|my]*                     maybe, and several of them
    ... overdue ...                  anything or nothing
    {status}                         a word of the vocabulary of that name
    note : {content}                 a colon, with or without spaces around it

A phrase has to fit the whole request, in any case of letters. One that begins
with any words does not fit a question or a wish to see something.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

Words = Mapping[str, str]

CONTENT: Final = "content"
MAX_WORDS_CHARS: Final = 500  # what a title may have

_TOKEN: Final = re.compile(r"\[(?P<maybe>[^\]]*)\](?P<many>\*?)|\((?P<one>[^)]*)\)|\{(?P<name>\w+)\}|(?P<word>\S+)")
_GAP: Final = r"[\s,]++"  # never given back: a long gap must not be divided in every possible way
_NO_QUESTION: Final = r"(?!(?:what|which|who|when|where|how|why|is|are|do|does|did|can|show|list|find|search|tell)\b)"


def compiled(phrase: str, vocabulary: Mapping[str, Iterable[str]]) -> re.Pattern[str]:
    """Return a phrase as a pattern."""
    pattern, has_begun, gap = "", False, ""
    for token in _TOKEN.finditer(phrase):
        part, is_optional, is_colon = (
            _part(token, vocabulary),
            _is_optional(token),
            ":" in {token["word"], token["maybe"]},
        )
        before = r"\s*+" if is_colon and has_begun else gap
        if is_optional and not has_begun:
            pattern += rf"(?:{part}{_GAP}){'*' if token['many'] else '?'}"
            continue
        if is_optional:
            pattern += rf"(?:{before}{part}){'*' if token['many'] else '?'}"
        else:
            pattern += before + part
            has_begun = True
            gap = r"\s*+" if is_colon else _GAP
    if phrase.startswith("{name}"):
        pattern = _NO_QUESTION + pattern
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def words_in(match: re.Match[str]) -> Words:
    """Return what a request has under each name; only a content may be long."""
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    return {name: value if name == CONTENT else value[:MAX_WORDS_CHARS] for name, value in found.items()}


def _part(token: re.Match[str], vocabulary: Mapping[str, Iterable[str]]) -> str:
    if (name := token["name"]) is not None:
        known = vocabulary.get(name)
        return f"(?P<{name}>{'.+?' if known is None else _any_of(known)})"
    if token["word"] == "...":
        return r".+?"
    choices = token["maybe"] if token["maybe"] is not None else token["one"]
    return _literal(token["word"]) if choices is None else f"(?:{_any_of(choices.split('|'))})"


def _is_optional(token: re.Match[str]) -> bool:
    return token["maybe"] is not None or token["word"] == "..."


def _any_of(choices: Iterable[str]) -> str:
    """Return the choices, longer ones first: "in progress" before "in"."""
    return "|".join(_literal(choice) for choice in sorted(choices, key=len, reverse=True))


def _literal(words: str) -> str:
    return r"\s+".join(re.escape(word) for word in words.split())
