"""`planwright undo`: take back what a run wrote."""

from uuid import UUID

import typer

from server.terminal.backend import Reached
from server.terminal.exits import ExitCode, perform
from server.terminal.printable import one_line
from server.terminal.reach import reached

MESSAGE_CHARS: int = 200


def run(run_id: UUID, by: Reached) -> None:
    """Undo it, and print a line for each write: what was undone, and what is left and why."""
    perform(_undo(run_id, by))


async def _undo(run_id: UUID, by: Reached) -> ExitCode:
    async with reached(by) as backend:
        undoing = await backend.undo(run_id)
    for call in undoing.undone:
        typer.echo(f"undone  {one_line(call.message or call.tool, MESSAGE_CHARS)}")
    for left in undoing.left:
        typer.echo(f"left    {one_line(left.message or left.tool, MESSAGE_CHARS)} {left.why}")
    if not undoing.undone and not undoing.left:
        typer.echo("The run wrote nothing.")
    return ExitCode.FAILED if undoing.left else ExitCode.OK
