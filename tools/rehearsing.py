"""Trying a write out: it runs in its transaction, so that whatever it refuses is refused, and is rolled back.

Of a tool whose effect is elsewhere only the arguments can be tried.
"""

from typing import Final, NoReturn

from persistence.errors import StatementRefused, StatementTimedOut
from persistence.scope import Scope
from tools.outcomes import DRY_RUN, too_slow, values_refused
from tools.running import ran
from tools.tool import AnyTool, Args, Caller, ToolAnswer, answered

NOTHING_CHANGED: Final = "Dry run: nothing was changed."


async def rehearsed(scope: Scope, tool: AnyTool, args: Args, caller: Caller, timeout_seconds: float) -> ToolAnswer:
    """Run a tool that writes in the caller's transaction, undo it, and return what it would have said."""
    try:
        async with scope.savepoint():
            _end_with(await ran(tool, args, caller, timeout_seconds))
    except _Over as over:
        return told(over.answer.message) if over.answer.success else over.answer
    except StatementRefused:
        return values_refused()
    except StatementTimedOut:
        return too_slow(tool)


def told(said: str = "") -> ToolAnswer:
    """Return what comes of a write that was tried out: its words, and no row, since there is none."""
    would = f" Live, it says: {said}" if said else ""
    return answered(f"{NOTHING_CHANGED}{would}", **{DRY_RUN: True})


def _end_with(answer: ToolAnswer) -> NoReturn:
    raise _Over(answer)


class _Over(Exception):
    """Carries the answer out of the savepoint, so that what the tool did is undone."""

    def __init__(self, answer: ToolAnswer) -> None:
        super().__init__(answer.message)
        self.answer: Final = answer
