"""The tools of an installation: the built-in ones and what the operator adds.

Built once at start and never changed after it. What an executor may call is
exactly `reading()`, the tools of `tools/read` and whatever the operator
registered as read.
"""

import hashlib
import importlib
import json
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeGuard

from pydantic import JsonValue

from persistence.errors import PersistenceError
from tools.errors import BadExtension, BadToolName, DuplicateTool, ToolError, ToolsChanged
from tools.read import brain_dumps as read_brain_dumps
from tools.read import calendar as read_calendar
from tools.read import notes as read_notes
from tools.read import projects as read_projects
from tools.read import tasks as read_tasks
from tools.read.web import web_search
from tools.tool import Access, AnyTool, Args, Caller, Effect, Tool, ToolAnswer, answer_of, answer_text, refused
from tools.write import brain_dumps as write_brain_dumps
from tools.write import calendar as write_calendar
from tools.write import notes as write_notes
from tools.write import projects as write_projects
from tools.write import tasks as write_tasks

READ_TOOLS: Final[tuple[AnyTool, ...]] = (
    *read_tasks.TOOLS,
    *read_projects.TOOLS,
    *read_notes.TOOLS,
    *read_brain_dumps.TOOLS,
    *read_calendar.TOOLS,
)
WRITE_TOOLS: Final[tuple[AnyTool, ...]] = (
    *write_tasks.TOOLS,
    *write_projects.TOOLS,
    *write_notes.TOOLS,
    *write_brain_dumps.TOOLS,
    *write_calendar.TOOLS,
)

OWN_FUNCTIONS: Final = frozenset({"create_plan", "submit_result"})  # what the graph itself offers beside the tools
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what providers take

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Registry:
    """Tools by name, in the order in which models are shown them."""

    tools: MappingProxyType[str, AnyTool]

    @classmethod
    def build(
        cls, extension: str | None = None, pinned: str | None = None, searxng_url: str | None = None
    ) -> "Registry":
        """Return the built-in tools and, where they are named, those of `module:attribute` and a search of the web.

        Raises:
            DuplicateTool: two tools share a name.
            BadToolName: no model could call a tool by its name.
            BadExtension: the attribute is not there, or is not a list of tools.
            WebSearchMissing: a SearxNG is named, and the extra that speaks with it is not installed.
            ToolsChanged: a digest was `pinned`, and it is not theirs.
        """
        added = [] if extension is None else [_contained(tool) for tool in _loaded(extension)]
        if searxng_url is not None:
            added.append(_contained(web_search(searxng_url)))
        registry = cls.of((*READ_TOOLS, *WRITE_TOOLS, *added))
        if pinned is not None and pinned != registry.digest():
            raise ToolsChanged(registry.digest())
        return registry

    @classmethod
    def of(cls, tools: Iterable[AnyTool]) -> "Registry":
        """Return a registry of exactly these tools.

        Raises:
            DuplicateTool: two share a name, or two names differ only by case.
            BadToolName: a name is one that models cannot call, or one of the graph's own functions.
        """
        by_name: dict[str, AnyTool] = {}
        for tool in tools:
            if _NAME.fullmatch(tool.name) is None or tool.name.casefold() in OWN_FUNCTIONS:
                raise BadToolName(tool.name)
            if tool.name.casefold() in {name.casefold() for name in by_name}:
                raise DuplicateTool(tool.name)
            by_name[tool.name] = tool
        return cls(MappingProxyType(by_name))

    def find(self, name: str) -> AnyTool | None:
        """Return a tool by its exact name."""
        return self.tools.get(name)

    def names(self) -> list[str]:
        """Return every tool's name: what a planner holds."""
        return list(self.tools)

    def reading(self) -> list[str]:
        """Return the names of the tools that only read: the most an executor can hold."""
        return [tool.name for tool in self.tools.values() if tool.access is Access.READ]

    def writing(self) -> list[str]:
        """Return the names of the tools that write."""
        return [tool.name for tool in self.tools.values() if tool.access is Access.WRITE]

    def schemas(self, names: Sequence[str]) -> list[dict[str, JsonValue]]:
        """Return what a model is shown of the named tools."""
        return [self.tools[name].schema() for name in names if name in self.tools]

    def digest(self) -> str:
        """Return the SHA-256 over names, access and schemas: what an operator can pin."""
        shown = [(tool.access, tool.schema()) for tool in self.tools.values()]
        return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def _loaded(extension: str) -> list[AnyTool]:
    module_name, _, attribute = extension.partition(":")
    try:
        found: object = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:
        raise BadExtension(extension, f"it could not be imported ({type(error).__name__})") from error
    if not _is_list(found):
        raise BadExtension(extension, "it is not a list of tools")
    tools = [tool for tool in found if _is_tool(tool)]
    if len(tools) < len(found):
        raise BadExtension(extension, "it holds something that is not a Tool")
    return tools


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


def _is_tool(value: object) -> TypeGuard[AnyTool]:
    return isinstance(value, Tool)


def _contained(tool: AnyTool) -> AnyTool:
    """Return an operator's tool as one whose crash is an answer, not the end of the run.

    Its writes count as external: they need not go through our transaction, so
    after a crash nothing here can know whether they happened.
    """

    async def run(args: Args, caller: Caller) -> ToolAnswer:
        try:
            return _as_json(await tool.run(args, caller))
        except (ToolError, PersistenceError):
            raise  # the gateway knows what to say
        except Exception:
            log.exception("The tool %s raised", tool.name)
            return refused(f"{tool.name} failed inside. Tell the person; do not call it again.", "tool_crashed")

    return replace(tool, run=run, effect=Effect.EXTERNAL)


def _as_json(answer: object) -> ToolAnswer:
    """Return an answer as its JSON reads, all of it of the types it says; what is none, or has none, raises."""
    if not isinstance(answer, ToolAnswer):
        raise TypeError(f"a tool returns a ToolAnswer, this one returned {type(answer).__name__}")
    return answer_of(answer_text(answer), None if answer.code is None else str(answer.code))
