"""The answer as it may leave: Markdown in which nothing loads an image, and a link leads to allowed hosts only.

A page that renders an answer would fetch an image, and so send whatever the model was talked into writing into its
address. So a space goes between the signs that make an image, a link, a tag or an address: the words stay, and in
CommonMark and GitHub's Markdown they are text. What may still become such a sign is held back until it is decided.
"""

import re
from collections.abc import Collection
from typing import Final

from persistence.visible import VisibleStream

HOST_MAX_CHARS: Final = 253  # of a name in the DNS, with a port behind it

_SIGN: Final = re.compile(
    r"!(?=\[)|\](?=[(\[:])|<(?=[a-z/!?])|(?:https?|ftp)(?=://)|www(?=\.)|(?:mailto|xmpp)(?=:)", re.IGNORECASE
)
_ENDS: Final = r"(?=[/?#\s]|[).,;:!\"'”»*]{1,3}(?:\s|\Z)|\Z)"  # a host's name may hold nearly every other sign
_ADDRESS: Final = re.compile(
    rf"(?:https?://|(?=www\.))(?P<host>[\w.-]{{1,{HOST_MAX_CHARS}}})(?::\d{{1,5}})?{_ENDS}", re.IGNORECASE
)
_DESTINATION: Final = re.compile(
    rf"\]\(https?://(?P<host>[\w.-]{{1,{HOST_MAX_CHARS}}})(?::\d{{1,5}})?(?=[/?#)\s])", re.IGNORECASE
)


def _beginnings(*words: str) -> str:
    """Return a pattern of everything that each word can begin with."""
    return "|".join(re.escape(word[:end]) for word in words for end in range(len(word), 0, -1))


_SCHEMES: Final = _beginnings("https://", "http://", "ftp://")
_UNDECIDED: Final = re.compile(
    rf"(?:[!<\]]|{_beginnings('mailto:', 'xmpp:')}|(?:\]\()?(?:{_SCHEMES})|\]\("
    rf"|(?:\]\()?(?:https?://|www\.)[^\s/?#]{{0,{HOST_MAX_CHARS + 9}}}|ww?w?)\Z",
    re.IGNORECASE,
)


class Harmless:
    """One answer on its way; `hosts` are those that it may link to."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self._hosts: Final = hosts
        self._seen: Final = VisibleStream()
        self._undecided = ""

    def take(self, piece: str) -> str:
        """Return what can leave, now that this piece has come."""
        text = self._undecided + self._seen.take(piece)
        found = _UNDECIDED.search(text)
        return self._decide(text, len(text) if found is None else found.start())

    def rest(self) -> str:
        """Return what is left when nothing more comes."""
        return self._decide(self._undecided, len(self._undecided))

    def _decide(self, text: str, end: int) -> str:
        """Return the text up to its end, with its signs apart, and keep what is behind it."""
        self._undecided = text[end:]
        parts, done = list[str](), 0
        for sign in _SIGN.finditer(text):
            if sign.start() < end and not self._leads_to_allowed(sign):
                parts += [text[done : sign.end()], " "]
                done = sign.end()
        return "".join(parts) + text[done:end]

    def _leads_to_allowed(self, sign: re.Match[str]) -> bool:
        if sign[0] in {"!", "<"}:
            return False
        address = (_DESTINATION if sign[0] == "]" else _ADDRESS).match(sign.string, sign.start())
        return address is not None and address["host"].casefold().rstrip(".") in self._hosts


def harmless(text: str, hosts: Collection[str] = ()) -> str:
    """Return a whole text as it may leave."""
    stream = Harmless(hosts)
    return stream.take(text) + stream.rest()
