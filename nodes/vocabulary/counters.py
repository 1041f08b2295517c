"""What is counted while runs work, by whoever it concerns: a node tells, and knows nothing of how it is shown."""

from typing import Protocol

from persistence.runs.usage import Usage


class Counters(Protocol):
    """Counts what has happened, once it is stored. Nothing it is told is a person's."""

    def model_called(self, model: str, outcome: str, seconds: float, used: Usage) -> None:
        """Count one call of a configured model: how it ended, how long it took, what it cost."""

    def tool_answered(self, state: str, denial: str) -> None:
        """Count one tool call by the state of its row in the ledger; one that was denied has a code."""


class Uncounted:
    """Counts nothing."""

    def model_called(self, model: str, outcome: str, seconds: float, used: Usage) -> None:
        """Do nothing."""

    def tool_answered(self, state: str, denial: str) -> None:
        """Do nothing."""
