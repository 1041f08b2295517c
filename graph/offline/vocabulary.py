"""People's words for the values that tools take."""

from collections.abc import Mapping
from typing import Final


def _by_word(words_of: Mapping[str, str]) -> dict[str, str]:
    """Return which value each word stands for."""
    return {word: value for value, words in words_of.items() for word in words.split(", ")}


STATUS_BY_WORD: Final = _by_word(
    {
        "done": "done, complete, completed, finished, closed",
        "in_progress": "in progress, in-progress, started",
        "blocked": "blocked, stuck",
        "backlog": "backlog, todo, to do, to-do, open, not done, undone",
    }
)
PROJECT_STATUS_BY_WORD: Final = _by_word(
    {
        "paused": "pause, paused, put on hold, on hold",
        "archived": "archive, archived",
        "completed": "complete, completed, close, closed, finish, finished, done",
        "active": "resume, reactivate, activate, active, reopen, unpause, unarchive",
    }
)
PRIORITY_BY_WORD: Final = _by_word({"high": "high, urgent, top", "medium": "medium, normal", "low": "low"})
PATTERN_BY_WORD: Final = _by_word(
    {
        "daily": "daily, every day",
        "weekdays": "on weekdays, every weekday",
        "weekly": "weekly, every week",
        "biweekly": "biweekly, every two weeks",
        "monthly": "monthly, every month",
    }
)
