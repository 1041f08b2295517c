"""`planwright tools`: what there is to call, and who may."""

import json

import typer

from server.terminal.printable import one_line
from server.terminal.settings import settings_or_usage
from tools.errors import ToolsRefused
from tools.registry import Registry
from tools.tool import Access, AnyTool

DESCRIPTION_CHARS: int = 90


def run(*, as_json: bool) -> None:
    """Print the tools, the operator's own included."""
    registry = _registry()
    if as_json:
        shown = [{"access": tool.access, **tool.schema()} for tool in registry.tools.values()]
        typer.echo(json.dumps(shown, indent=2))
        return
    width = max(len(name) for name in registry.names())
    for access, who in ((Access.READ, "planner and executors"), (Access.WRITE, "planner only")):
        held = [tool for tool in registry.tools.values() if tool.access is access]
        typer.echo(f"{len(held)} {access} tools, {who}")
        for tool in held:
            typer.echo(f"  {tool.name:<{width}}  {_summary(tool)}")
    typer.echo(f"digest {registry.digest()}")


def _registry() -> Registry:
    settings = settings_or_usage()
    try:
        return Registry.build(settings.tools, searxng_url=settings.searxng_url)
    except ToolsRefused as error:
        typer.echo(f"planwright: {error}", err=True)
        raise typer.Exit(1) from None


def _summary(tool: AnyTool) -> str:
    return one_line(tool.description.partition("\n")[0], DESCRIPTION_CHARS)
