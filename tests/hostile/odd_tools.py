"""An operator's tool that answers whatever a test puts into `ANSWERS`, in turn."""

from typing import Final

from tools.tool import Access, Args, Caller, Tool, ToolAnswer

ANSWERS: Final[list[ToolAnswer]] = []


class Nothing(Args):
    """Say something odd."""


async def say_something_odd(_args: Nothing, _caller: Caller) -> ToolAnswer:
    """Return the next answer of the test."""
    return ANSWERS.pop(0)


TOOLS: Final = (Tool(name="say_something_odd", args=Nothing, run=say_something_odd, access=Access.READ),)
