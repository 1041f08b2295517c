"""`planwright decide`: say what becomes of the calls that a run waits for."""

from dataclasses import dataclass
from uuid import UUID

from server.terminal.answering import Wish
from server.terminal.backend import Reached
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.reach import reached
from server.terminal.watch import watch


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line said; nothing means to ask, or to show what there is to decide."""

    approve: bool
    deny: bool
    drop: tuple[str, ...]
    note: str | None

    def wish(self) -> Wish | None:
        """Return what the flags say together.

        Raises:
            CommandFailed: they do not go together.
        """
        if self.approve and self.deny:
            raise CommandFailed(ExitCode.USAGE, "Give --approve or --deny, not both.")
        if self.drop and not self.approve:
            raise CommandFailed(ExitCode.USAGE, "--drop leaves a call out of those that --approve lets run.")
        if self.note is not None and not self.deny and not self.approve:
            raise CommandFailed(ExitCode.USAGE, "--note goes with --approve or --deny.")
        return Wish(self.approve, self.drop, self.note) if self.approve or self.deny else None


def run(run_id: UUID, flags: Flags, by: Reached, *, as_json: bool) -> None:
    """Decide, watch the run go on, and leave with the exit code of what came of it."""
    perform(_decide(run_id, flags, by, as_json=as_json))


async def _decide(run_id: UUID, flags: Flags, by: Reached, *, as_json: bool) -> ExitCode:
    wish = flags.wish()
    async with reached(by) as backend:
        if not await backend.waits(run_id):
            raise CommandFailed(ExitCode.FAILED, f"Run {run_id} does not wait for a decision.")
        watched = await watch(backend, backend.follow(run_id, 0), as_json=as_json, wish=wish)
    return watched.exit_code
