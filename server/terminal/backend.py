"""The way to Planwright, the same whether it runs in this process or behind HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from server.terminal.frames import Frame

if TYPE_CHECKING:  # the command line names its options by this file, and `--help` waits for nothing heavy
    from server.undoing import Undoing

ExportForm = Literal["html", "json"]


class Approvals(StrEnum):
    """Whether a new session's writes wait for a person."""

    ASK = "ask"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Question:
    """A message, where in the workspace and in which conversation it is asked, and whether its writes wait."""

    message: str
    session_id: UUID | None = None
    context_type: str = "global"
    entity_id: UUID | None = None
    approvals: Approvals | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """What the command line said about the way: a server and a token, or in whose name to act here."""

    server: str | None
    token: str | None
    user: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person said of the calls that have this digest."""

    digest: str
    approve: bool
    dropped: frozenset[UUID] = frozenset()
    note: str | None = None

    def body(self) -> dict[str, object]:
        """Return it as `POST /api/agent/runs/{id}/decision` takes it."""
        dropped = {str(call_id): {"drop": True} for call_id in sorted(self.dropped)}
        note = {} if self.note is None else {"note": self.note}
        return {"digest": self.digest, "decision": "approve" if self.approve else "deny", "calls": dropped, **note}


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a run is to go another way: from a step on or with another message, asked of whom, with which writes."""

    from_step: int | None = None
    message: str | None = None
    model: str | None = None
    live: bool = False

    def body(self) -> dict[str, object]:
        """Return it as `POST /api/agent/runs/{id}/fork` takes it."""
        writes = "live" if self.live else "dry"
        return {"from_step": self.from_step, "message": self.message, "model": self.model, "writes": writes}


class Backend(Protocol):
    """What the commands that deal with runs need."""

    def ask(self, question: Question) -> AsyncGenerator[Frame]:
        """Start a run and follow it until it ends or waits for a person.

        Raises:
            CommandFailed: the message was refused, or nobody answers.
        """
        ...

    def follow(self, run_id: UUID, after: int) -> AsyncGenerator[Frame]:
        """Follow a run from behind event `after` until it ends or waits for a person.

        Raises:
            CommandFailed: there is no such run, or nobody answers.
        """
        ...

    async def waits(self, run_id: UUID) -> bool:
        """Say whether a run waits for a person's decision.

        Raises:
            CommandFailed: there is no such run, or nobody answers.
        """
        ...

    def decide(self, run_id: UUID, decided: Decided) -> AsyncGenerator[Frame]:
        """Say what becomes of the calls that a run waits for, and follow it from there.

        Raises:
            CommandFailed: it waits no more or for another decision, or nobody answers.
        """
        ...

    async def cancel(self, run_id: UUID) -> bool:
        """Ask for a run to be stopped; False when it has ended already.

        Raises:
            CommandFailed: there is no such run, or nobody answers.
        """
        ...

    async def export(self, run_id: UUID, form: ExportForm) -> bytes:
        """Return everything that is recorded of a run as one file.

        Raises:
            CommandFailed: there is no such run, or nobody answers.
        """
        ...

    async def replay(self, run_id: UUID) -> UUID:
        """Begin a run that happens as this one did, from its record; return its id.

        Raises:
            CommandFailed: there is no such run, its record is not whole, or nobody answers.
        """
        ...

    async def fork(self, run_id: UUID, branch: Branch) -> UUID:
        """Begin a run that goes another way than this one; return its id.

        Raises:
            CommandFailed: there is no such run, step or model, or nobody answers.
        """
        ...

    async def undo(self, run_id: UUID) -> "Undoing":
        """Undo what a run wrote, as far as that can be.

        Raises:
            CommandFailed: there is no such run, it has not ended, or nobody answers.
        """
        ...
