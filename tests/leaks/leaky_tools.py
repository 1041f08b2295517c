"""An operator's tools that fail with everything they know in the text of the error."""

from typing import Final

from tools.tool import Access, Args, Caller, Tool, ToolAnswer, answered

SAID_BY_CODE: Final = "canary-of-an-exception"
SAID_BY_SQL: Final = "canary_of_a_statement"


class Nothing(Args):
    """Fail."""


async def crash(_args: Nothing, _caller: Caller) -> ToolAnswer:
    """Fail with a text."""
    raise RuntimeError(SAID_BY_CODE)


async def misspell(_args: Nothing, caller: Caller) -> ToolAnswer:
    """Fail with a statement, which Postgres repeats."""
    async with caller.reading() as scope:
        await scope.execute("select * from canary_of_a_statement")
    return answered("It was there.")


TOOLS: Final = [
    Tool(name="crash_inside", args=Nothing, run=crash, access=Access.READ),
    Tool(name="misspell_sql", args=Nothing, run=misspell, access=Access.READ),
]
