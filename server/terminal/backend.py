"""The way to Planwright, the same whether it runs in this process or behind HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from server.terminal.frames import Frame


@dataclass(frozen=True, slots=True)
class Question:
    """A message, and where in the workspace and in which conversation it is asked."""

    message: str
    session_id: UUID | None = None
    context_type: str = "global"
    entity_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """What the command line said about the way: a server and a token, or in whose name to act here."""

    server: str | None
    token: str | None
    user: str | None


class Backend(Protocol):
    """What the commands that deal with runs need."""

    def ask(self, question: Question) -> AsyncGenerator[Frame]:
        """Start a run and follow it to its end.

        Raises:
            CommandFailed: the message was refused, or nobody answers.
        """
        ...

    def follow(self, run_id: UUID, after: int) -> AsyncGenerator[Frame]:
        """Follow a run from behind event `after` to its end.

        Raises:
            CommandFailed: there is no such run, or nobody answers.
        """
        ...

    async def cancel(self, run_id: UUID) -> bool:
        """Ask for a run to be stopped; False when it has ended already.

        Raises:
            CommandFailed: there is no such run, or nobody answers.
        """
        ...
