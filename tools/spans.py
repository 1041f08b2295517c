"""Stretches of time, and what is left of some when others are taken."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From one moment up to, not including, another; it may be empty."""

    start: datetime
    end: datetime

    def touches(self, other: "Span") -> bool:
        """Say whether any of it lies in the other; one moment is in when the other begins there."""
        return self.start < other.end and (self.end > other.start or self.start >= other.start)

    def within(self, other: "Span") -> "Span":
        """Return the part of it that lies in the other, empty when none does."""
        start = max(self.start, other.start)
        return Span(start, max(start, min(self.end, other.end)))


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as spans in order that neither touch nor are empty."""
    result: list[Span] = []
    for span in sorted(spans):
        if span.start == span.end:
            continue
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return what is left of the spans outside what is taken, in order."""
    left = joined(spans)
    for hole in joined(taken):
        left = [part for span in left for part in _cut(span, hole)]
    return left


def _cut(span: Span, hole: Span) -> list[Span]:
    parts = (Span(span.start, min(span.end, hole.start)), Span(max(span.start, hole.end), span.end))
    return [part for part in parts if part.start < part.end]
