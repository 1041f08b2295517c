"""Running a tool that may run: in bounded time, with what is foreseen as an answer."""

import asyncio
from typing import Final

from persistence.errors import StatementRefused, StatementTimedOut
from persistence.scope import Scope
from tools.errors import ToolError
from tools.outcomes import too_slow, values_refused
from tools.tool import AnyTool, Args, Caller, ToolAnswer, refused


async def ran(tool: AnyTool, args: Args, caller: Caller, timeout_seconds: float) -> ToolAnswer:
    """Run a tool in bounded time; what it foresaw becomes a refusal."""
    try:
        async with asyncio.timeout(timeout_seconds):
            return await tool.run(args, caller)
    except ToolError as error:
        return refused(str(error), error.code)
    except StatementRefused:
        return values_refused()
    except (TimeoutError, StatementTimedOut):
        return too_slow(tool)


async def undone_if_refused(
    scope: Scope, tool: AnyTool, args: Args, caller: Caller, timeout_seconds: float
) -> ToolAnswer:
    """Run a tool that writes in the caller's transaction; unless it succeeds, what it began is undone."""
    try:
        async with scope.savepoint():
            return _accepted(await ran(tool, args, caller, timeout_seconds))
    except _Refusal as refusal:
        return refusal.answer
    except StatementRefused:
        return values_refused()
    except StatementTimedOut:
        return too_slow(tool)


def _accepted(answer: ToolAnswer) -> ToolAnswer:
    if not answer.success:
        raise _Refusal(answer)
    return answer


class _Refusal(Exception):
    """Carries a refusal out of a savepoint, so that what the tool began is undone."""

    def __init__(self, answer: ToolAnswer) -> None:
        super().__init__(answer.message)
        self.answer: Final = answer
