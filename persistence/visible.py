"""Text without what no eye sees: characters that draw nothing can carry words to a model, and none to a person.

A joiner, a mark of direction or the style of an emoji stays where a script or an emoji needs it: one of each
behind a character outside ASCII. Rows of them, and those behind ASCII, spell something.
"""

import re
from typing import Final

# Unicode's default-ignorable characters but for the ones below, and the marks of interlinear notes.
_HIDDEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_STYLES: Final = "\ufe0e\ufe0f"
_JOINERS: Final = "\u200c-\u200f"
_STRAY_STYLE: Final = re.compile(f"(?<![^\x00-\x22\x24-\x29\x2b-\x2f\x3a-\x7f{_STYLES}{_JOINERS}])[{_STYLES}]")
_STRAY_JOINER: Final = re.compile(f"(?<![^\x00-\x7f{_JOINERS}])[{_JOINERS}]")
_OPEN_END: Final = re.compile(f"[^{_STYLES}{_JOINERS}][{_STYLES}{_JOINERS}]*\\Z")


def visible(text: str) -> str:
    """Return the text without its hidden characters."""
    if text.isascii():
        return text
    return _STRAY_JOINER.sub("", _STRAY_STYLE.sub("", _HIDDEN.sub("", text)))


class VisibleStream:
    """The same for a text that comes in pieces."""

    def __init__(self) -> None:
        self._last = ""  # what was passed on last: the character that a joiner may stand behind

    def take(self, piece: str) -> str:
        """Return the next piece of the visible text."""
        text = visible(self._last + piece)
        new = text[len(self._last) :]
        end = _OPEN_END.search(text)
        self._last = "" if end is None else end[0]
        return new
