"""`planwright cancel`: ask for a run to be stopped."""

from uuid import UUID

import typer

from server.terminal.backend import Reached
from server.terminal.exits import ExitCode, perform
from server.terminal.reach import reached


def run(run_id: UUID, by: Reached) -> None:
    """Stop a run; one that has ended already is said to have."""
    perform(_cancel(run_id, by))


async def _cancel(run_id: UUID, by: Reached) -> ExitCode:
    async with reached(by) as backend:
        stopped = await backend.cancel(run_id)
    typer.echo("Stopping." if stopped else "It has ended already.")
    return ExitCode.OK if stopped else ExitCode.FAILED
