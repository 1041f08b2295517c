"""The steps of a plan out of its text while that is still being written.

Only where one step ends and the next begins is found here. What a step has to be
is for `nodes/planning/rules.py` to say, and the finished plan is read anew.
"""

import re
from collections.abc import Generator
from contextlib import suppress
from json import JSONDecoder
from typing import Final

MAX_VALUE_CHARS: Final = 16_000  # a description of the longest, every character of it escaped, and the rest of a step
STEPS: Final = "steps"

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_ENDS_BY: Final = {"{": re.compile("}"), "[": re.compile("]"), '"': re.compile('"')}
_BEHIND_A_NUMBER: Final = re.compile(r"[,}\]\s]")
_DECODER: Final = JSONDecoder()


class _NoPlan(Exception):
    """The text is no plan, or not one that is worth to be read on."""


class StepReader:
    """Fed with a plan's arguments as they come, gives the JSON text of each step as soon as the step's `}` is there.

    Never raises. Of a text that is no plan nothing comes from where that shows, and
    no more than `MAX_VALUE_CHARS` and the last delta are held.
    """

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._reading: Final = self._read()

    def feed(self, delta: str) -> list[str]:
        """Take the next piece of text; return the steps that it completes."""
        self._text += delta
        steps: list[str] = []
        for step in self._reading:
            if step is None:
                self._text, self._at = self._text[self._at :], 0
                return steps
            steps.append(step)
        self._text, self._at = "", 0
        return steps

    def _read(self) -> Generator[str | None, None, None]:
        """Yield each step; None where the text is used up."""
        with suppress(_NoPlan):
            yield from self._members()

    def _members(self) -> Generator[str | None, None, None]:
        yield from self._sign("{")
        while True:
            key, _ = yield from self._value()
            if not isinstance(key, str):
                raise _NoPlan
            yield from self._sign(":")
            if key == STEPS:
                yield from self._elements()
                return
            yield from self._value()
            yield from self._sign(",")

    def _elements(self) -> Generator[str | None, None, None]:
        yield from self._sign("[")
        while True:
            step, raw = yield from self._value()
            if not isinstance(step, dict):
                raise _NoPlan
            yield raw
            yield from self._sign(",")

    def _value(self) -> Generator[None, None, tuple[object, str]]:
        """Read a value to its end; return it, and as it was written."""
        ends_by = _ENDS_BY.get((yield from self._next()), _BEHIND_A_NUMBER)
        seen = 1
        while True:
            if ends_by.search(self._text, self._at + seen):
                with suppress(ValueError, RecursionError):
                    value, end = _DECODER.raw_decode(self._text, self._at)
                    raw, self._at = self._text[self._at : end], end
                    return value, raw
            seen = max(len(self._text) - self._at, 1)
            yield from self._more()

    def _sign(self, expected: str) -> Generator[None, None, None]:
        if (yield from self._next()) != expected:
            raise _NoPlan
        self._at += 1

    def _next(self) -> Generator[None, None, str]:
        """Return the next character that is no blank, and stay before it."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            assert blanks is not None, "nothing is blank too"
            self._at = blanks.end()
            if self._at < len(self._text):
                return self._text[self._at]
            yield from self._more()

    def _more(self) -> Generator[None, None, None]:
        if len(self._text) - self._at > MAX_VALUE_CHARS:
            raise _NoPlan
        yield None
