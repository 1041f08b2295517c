"""Who decides on the calls that a run waits for: the person at the terminal, the command's own flags, or nobody yet."""

import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import typer

from nodes.vocabulary.events import ApprovalBody
from server.client.sending import Decided
from server.terminal.exits import CommandFailed, ExitCode
from server.terminal.keyboard import typed_line

QUESTION: Final = "[a]pprove all, [d]eny, or the numbers to drop, such as “1 3”: "
APPROVE: Final = frozenset({"a", "approve"})
DENY: Final = frozenset({"d", "deny"})
_SEPARATORS: Final = re.compile(r"[\s,]+")

Answering = Callable[[ApprovalBody], Awaitable[Decided | None]]
"""Returns what is decided; None leaves the run waiting."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a command was told to decide, before it knows on which calls; `drop` holds numbers or ids of calls."""

    approve: bool
    drop: tuple[str, ...] = ()
    note: str | None = None

    def on(self, approval: ApprovalBody) -> Decided:
        """Return the decision on these calls.

        Raises:
            CommandFailed: it drops a call that is not among them.
        """
        try:
            dropped = named(approval, self.drop)
        except LookupError as error:
            raise CommandFailed(ExitCode.USAGE, str(error)) from None
        return Decided(approval.digest, self.approve, dropped, self.note)


def here_or_later() -> Answering:
    """Return who answers a command that was told nothing: the person, if there is one at a terminal."""
    return asked if sys.stdin.isatty() and sys.stderr.isatty() else left


def first(wish: Wish, then: Answering) -> Answering:
    """Return an answering that is `wish` the first time and another from then on."""
    wishes = [wish]

    async def answer(approval: ApprovalBody) -> Decided | None:
        return wishes.pop().on(approval) if wishes else await then(approval)

    return answer


async def left(_: ApprovalBody) -> Decided | None:
    """Leave it to somebody else, or to later."""
    return None


async def asked(approval: ApprovalBody) -> Decided | None:
    """Ask the person until the answer is one; Ctrl-C leaves the run waiting."""
    while (line := await typed_line(QUESTION)) is not None:
        if line.lower() in DENY:
            return await _denied(approval)
        drop = () if line.lower() in APPROVE else _SEPARATORS.split(line)
        try:
            return Decided(approval.digest, approve=True, dropped=named(approval, drop))
        except LookupError as error:
            typer.echo(str(error), err=True)
    return None


async def _denied(approval: ApprovalBody) -> Decided | None:
    note = await typed_line("Why? What the planner should know, or nothing: ")
    return None if note is None else Decided(approval.digest, approve=False, note=note or None)


def named(approval: ApprovalBody, names: Sequence[str]) -> frozenset[UUID]:
    """Return the ids of calls that are named by their number on the card or by their id.

    Raises:
        LookupError: one of them is not on the card; the text says which.
    """
    known = {str(number): call.id for number, call in enumerate(approval.calls, start=1)}
    known |= {str(call.id): call.id for call in approval.calls}
    for name in names:
        if name not in known:
            raise LookupError(f"There is no call “{name}” here: give numbers from 1 to {len(approval.calls)}.")
    return frozenset(known[name] for name in names)
