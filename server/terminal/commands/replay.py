"""`planwright replay`: let a run happen again, from its record."""

from uuid import UUID

from server.terminal.backend import Reached
from server.terminal.exits import ExitCode, perform
from server.terminal.reach import reached
from server.terminal.watch import watch


def run(run_id: UUID, by: Reached, *, as_json: bool) -> None:
    """Begin the replay, and watch it to its end."""
    perform(_replay(run_id, by, as_json=as_json))


async def _replay(run_id: UUID, by: Reached, *, as_json: bool) -> ExitCode:
    async with reached(by) as backend:
        again = await backend.replay(run_id)
        watched = await watch(backend, backend.follow(again, 0), as_json=as_json)
    return watched.exit_code
