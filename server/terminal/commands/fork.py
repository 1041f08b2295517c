"""`planwright fork`: let a run go another way."""

from uuid import UUID

from server.client.sending import Branch
from server.terminal.backend import Reached
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.reach import reached
from server.terminal.watch import watch


def run(run_id: UUID, branch: Branch, by: Reached, *, as_json: bool) -> None:
    """Begin the fork, and watch it to its end."""
    perform(_fork(run_id, branch, by, as_json=as_json))


async def _fork(run_id: UUID, branch: Branch, by: Reached, *, as_json: bool) -> ExitCode:
    if branch.from_step is not None and branch.message is not None:
        raise CommandFailed(ExitCode.USAGE, "Another message begins anew: give --from-step or --message, not both.")
    if branch.step_words is not None and branch.from_step is None:
        raise CommandFailed(ExitCode.USAGE, "--step says what a step is to do: name it with --from-step.")
    async with reached(by) as backend:
        other = await backend.fork(run_id, branch)
        watched = await watch(backend, backend.follow(other, 0), as_json=as_json)
    return watched.exit_code
