"""Three questions to begin with, about what the person really has."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from persistence.workspace.glimpse import Glimpse

SHOWN: Final = 3
AHEAD: Final = timedelta(days=7)


def examples_for(seen: Glimpse) -> list[str]:
    """Return the first three questions that fit; in an empty workspace those that put something into it."""
    return [question for question, _ in zip(_fitting(seen), range(SHOWN), strict=False)]


def _fitting(seen: Glimpse) -> Iterator[str]:
    if seen.overdue:
        yield "What is overdue?"
    if seen.project is not None:
        yield f"How is {seen.project} going?"
    if seen.open_tasks:
        yield "Help me organize my project tasks for next week"
    if seen.events:
        yield "What is on my calendar this week?"
    if seen.notes:
        yield "Show my notes"
    yield "Create a task “Plan my week” for Monday"
    yield "Add a note: ideas for the next project"
    yield "What can you do?"


def today_and_ahead(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the person's today began, and the end of what the questions look at."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today, today + AHEAD
