"""What can go wrong around a tool call, one class a fact."""

from typing import Final
from uuid import UUID


class AwaitsPerson(Exception):
    """A call is not to run, or not again, before a person has decided on it; it stands in the ledger."""

    def __init__(self, call_id: UUID) -> None:
        super().__init__(f"The call {call_id} waits for a person.")
        self.call_id: Final = call_id


class ToolError(Exception):
    """Root of the room's errors. `code` is part of the wire format."""

    code = "tool_error"


class MayNotWrite(ToolError):
    """A caller without the capability to write tried to."""

    code = "write_denied"

    def __init__(self) -> None:
        super().__init__("This caller may only read.")


class ArgumentsInvalid(ToolError):
    """The arguments are not what the tool takes; nothing ran."""

    code = "invalid_arguments"


class UnknownTool(ToolError):
    """There is no tool with that name."""

    code = "unknown_tool"

    def __init__(self, name: str, offered: list[str]) -> None:
        super().__init__(f"There is no tool “{name[:60]}”. The tools are: {', '.join(offered)}.")


class ToolsRefused(ToolError):
    """Root of what keeps Planwright from starting with the tools it was given."""

    code = "tools_refused"


class DuplicateTool(ToolsRefused):
    """Two tools claim one name (names that differ only by case count as one)."""

    code = "duplicate_tool"

    def __init__(self, name: str) -> None:
        super().__init__(f"Two tools are named “{name}”. Rename one: Planwright does not start with both.")


class BadToolName(ToolsRefused):
    """A tool's name is not one that models can call, or is kept for a function of the graph's own."""

    code = "bad_tool_name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No tool can be named “{name[:60]}”: a name has 1 to 64 letters, digits, - and _, "
            "and is none of Planwright’s own functions."
        )


class WebSearchMissing(ToolsRefused):
    """A search engine is named, and what speaks with it is not installed."""

    code = "web_search_missing"

    def __init__(self) -> None:
        super().__init__("PLANWRIGHT_SEARXNG_URL needs the extra “web”: pip install 'planwright[web]'.")


class ToolsChanged(ToolsRefused):
    """The tools are not those that the operator pinned."""

    code = "tools_changed"

    def __init__(self, digest: str) -> None:
        super().__init__(
            "The tools, their descriptions or their parameters are not those of PLANWRIGHT_TOOLS_DIGEST. "
            f"If that is right, set it to {digest}."
        )


class NotOffered(ToolError):
    """The agent asked for a tool that it was not given."""

    code = "tool_not_offered"

    def __init__(self, name: str, offered: list[str]) -> None:
        super().__init__(f"“{name[:60]}” is not one of your tools. They are: {', '.join(offered)}.")


class CallsSpent(ToolError):
    """The run has made all the tool calls that it may."""

    code = "budget_exhausted"

    def __init__(self, most: int) -> None:
        super().__init__(f"This run has made its {most} tool calls. Answer with what there is.")


class BadExtension(ToolsRefused):
    """What `PLANWRIGHT_TOOLS` names is not a list of tools."""

    code = "bad_extension"

    def __init__(self, named: str, reason: str) -> None:
        super().__init__(f"PLANWRIGHT_TOOLS={named}: {reason}")
