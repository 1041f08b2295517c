"""Text from models, tools and people, made safe to print: it is data, never a terminal command.

Escape sequences could move the cursor, retitle the window or rewrite what was
said; bidirectional controls could show a command in another order than it runs.
"""

import re
from typing import Final

from persistence.text import REPLACEMENT, shortened

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SPACE: Final = re.compile(r"\s+")


def printable(text: str) -> str:
    """Return the text with every control character but tab and line feed replaced by U+FFFD."""
    return _CONTROL.sub(REPLACEMENT, text.replace("\r\n", "\n"))


def one_line(text: str, limit_chars: int) -> str:
    """Return the text as one printable line of at most `limit_chars`."""
    return shortened(printable(_SPACE.sub(" ", text)).strip(), limit_chars)
