"""What a client sends: a message, or what a person said of the calls that a run waits for.

The server reads them as `Ask` and `Decision` (`server/bodies.py`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:  # the command line offers the words below, and `--help` waits for nothing heavy
    from collections.abc import Mapping

    from pydantic import JsonValue


class Approvals(StrEnum):
    """Whether a new session's writes wait for a person."""

    ASK = "ask"
    AUTO = "auto"


class Route(StrEnum):
    """How a message is handled."""

    AUTO = "auto"
    PLAN = "plan"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Question:
    """A message, where in the workspace and in which conversation it is asked, and whether its writes wait.

    `route` has a plan made anyway, or an answer given at once; else the planner decides.
    """

    message: str
    session_id: UUID | None = None
    context_type: str = "global"
    entity_id: UUID | None = None
    approvals: Approvals | None = None
    route: Route | None = None

    def body(self) -> "dict[str, JsonValue]":
        """Return it as `POST /api/agent/stream` takes it."""
        named: dict[str, JsonValue] = {
            "message": self.message,
            "context_type": self.context_type,
            "session_id": _text(self.session_id),
            "entity_id": _text(self.entity_id),
            "approvals": self.approvals,
            "route": self.route,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person said of the calls that have this digest.

    Of those that are approved, the dropped ones do not run, and the edited ones run with other arguments.
    """

    digest: str
    approve: bool
    dropped: frozenset[UUID] = frozenset()
    note: str | None = None
    edited: "Mapping[UUID, Mapping[str, JsonValue]]" = field(default_factory=dict[UUID, "Mapping[str, JsonValue]"])

    def body(self) -> "dict[str, JsonValue]":
        """Return it as `POST /api/agent/runs/{id}/decision` takes it."""
        calls: dict[str, JsonValue] = {str(call_id): {"drop": True} for call_id in sorted(self.dropped)}
        calls |= {str(call_id): {"arguments": dict(arguments)} for call_id, arguments in self.edited.items()}
        note: dict[str, JsonValue] = {} if self.note is None else {"note": self.note}
        return {"digest": self.digest, "decision": "approve" if self.approve else "deny", "calls": calls, **note}


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a run is to go another way: from a step on or with another message, asked of whom, with which writes.

    `step_words` say what the step is to do, in place of what is recorded.
    """

    from_step: int | None = None
    message: str | None = None
    model: str | None = None
    live: bool = False
    step_words: str | None = None

    def body(self) -> "dict[str, JsonValue]":
        """Return it as `POST /api/agent/runs/{id}/fork` takes it."""
        writes = "live" if self.live else "dry"
        words = {} if self.step_words is None else {"step_words": self.step_words}
        return {"from_step": self.from_step, "message": self.message, "model": self.model, "writes": writes, **words}


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
