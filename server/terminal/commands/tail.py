"""`planwright tail`: follow a run, from its first event to its last."""

from uuid import UUID

from server.terminal.backend import Reached
from server.terminal.exits import ExitCode, perform
from server.terminal.reach import reached
from server.terminal.watch import watch


def run(run_id: UUID, by: Reached, *, as_json: bool) -> None:
    """Follow a run, and leave with the exit code of what came of it."""
    perform(_tail(run_id, by, as_json=as_json))


async def _tail(run_id: UUID, by: Reached, *, as_json: bool) -> ExitCode:
    async with reached(by) as backend:
        watched = await watch(backend, backend.follow(run_id, 0), as_json=as_json)
    return watched.exit_code
