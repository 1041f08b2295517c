"""How many rows a list shows: what was asked, within what the tool gives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clamped:
    """A limit within its bounds; `note` is a sentence for the model when it is not the one asked."""

    rows: int
    note: str = ""


def clamped(asked: int, most: int) -> Clamped:
    """Return the limit nearest to the one asked, from 1 to `most` rows."""
    rows = max(1, min(asked, most))
    return Clamped(rows) if rows == asked else Clamped(rows, f" The limit was set to {rows}: it goes from 1 to {most}.")
