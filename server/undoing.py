"""Undoing what a run wrote, as far as its rows are as the run left them: newest first, each call whole and once.

What was there before a write was kept with it (`persistence/runs/undo.py`). What is not known is not guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from nodes.asking.call_words import message_of
from persistence.errors import StatementRefused
from persistence.pools import Database
from persistence.runs import ledger, runs, undo
from persistence.runs.ledger import CallState, LedgerRow
from persistence.runs.runs import Writes
from persistence.runs.undo import Stays
from persistence.scope import Identity, Role
from server.refusals import Refused

WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        Stays.CHANGED: "It was changed again since.",
        Stays.GONE: "It is not there any more.",
        Stays.IN_USE: "Something was added to it since.",
        "already_undone": "It was undone before.",
        "does_not_fit": "What would be put back does not fit beside what is there now.",
        "elsewhere": "It was done outside of Planwright, which cannot take it back.",
        "unknown": "It is not known whether it took effect.",
        "not_kept": "What it replaced, if anything, was not kept.",
    }
)


@dataclass(frozen=True, slots=True)
class UndoneCall:
    """A call that was undone; `message` is what it said when it was made."""

    call_id: UUID
    tool: str
    message: str


@dataclass(frozen=True, slots=True)
class LeftCall(UndoneCall):
    """A call that was not undone, and why: a code, and a sentence."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Undoing:
    """What came of undoing a run's writes, the newest first."""

    undone: list[UndoneCall]
    left: list[LeftCall]


class _Left(Exception):
    """A call is left as it is: what was put back of it is rolled back."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code: Final = code


async def undo_run(database: Database, user_id: UUID, run_id: UUID) -> Undoing:
    """Undo what a run wrote, call by call; a call that cannot be undone whole is left whole.

    Raises:
        Refused: there is no such run, or it has not ended.
    """
    who = Identity(user_id)
    async with database.acting(Role.API, who) as scope:
        run = await runs.find(scope, run_id)
    if run is None:
        raise Refused("not_found")
    if not run.finished:
        raise Refused("run_not_finished")
    undoing = Undoing([], [])
    if run.writes == Writes.RECORDED:
        return undoing  # it wrote nothing
    for call in await _newest_first(database, who, run_id):
        try:
            await _undo(database, who, call)
            undoing.undone.append(UndoneCall(call.id, call.tool, message_of(call)))
        except _Left as left:
            undoing.left.append(LeftCall(call.id, call.tool, message_of(call), left.code, WHY[left.code]))
    return undoing


async def _newest_first(database: Database, who: Identity, run_id: UUID) -> list[LedgerRow]:
    """Return the writes that took effect, or may have, the last to change something first."""
    async with database.acting(Role.WORKER, who) as scope:
        kept = {call.call_id: call.last for call in await undo.kept_of_run(scope, run_id)}
        made = await ledger.of_run(scope, run_id)
    writes = [call for call in made if call.access == "write" and call.state in {CallState.APPLIED, CallState.UNKNOWN}]
    return sorted(writes, key=lambda call: kept.get(call.id, 0), reverse=True)


async def _undo(database: Database, who: Identity, call: LedgerRow) -> None:
    """Put back what a call replaced, in one transaction with the row that says so.

    Raises:
        _Left: it stays as it is; the code says why.
    """
    if call.state == CallState.UNKNOWN:
        raise _Left("unknown")
    if call.started_at is not None:
        raise _Left("elsewhere")
    try:
        async with database.acting(Role.WORKER, who) as scope:
            if not await undo.is_kept(scope, call.id):
                raise _Left("not_kept")
            if not await undo.begin(scope, call.id):
                raise _Left("already_undone")
            if (stays := await undo.put_back(scope, call.id)) is not None:
                raise _Left(stays)
    except StatementRefused:
        raise _Left("does_not_fit") from None
