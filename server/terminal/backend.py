"""The way to Planwright, the same whether it runs in this process or behind HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from server.client.frames import Frame
from server.client.sending import Branch, Decided, Question

if TYPE_CHECKING:  # the command line names its options by this file, and `--help` waits for nothing heavy
    from server.undoing import Undoing

ExportForm = Literal["html", "json"]


@dataclass(frozen=True, slots=True)
class Reached:
    """What the command line said about the way: a server and a token, or in whose name to act here."""

    server: str | None
    token: str | None
    user: str | None


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
