"""`planwright show`: everything that is recorded about a run."""

from uuid import UUID

from persistence.record import sums
from persistence.runs import runs
from server.terminal.exits import ExitCode, perform
from server.terminal.screen import plain_console
from server.terminal.settings import settings_or_usage
from server.terminal.stored import no_such_run, reading
from server.terminal.timeline import timeline
from server.trace import trace_of

PIPED_COLUMNS: int = 100


def run(run_id: UUID, user: str | None) -> None:
    """Print the record as a timeline."""
    perform(_show(run_id, user))


async def _show(run_id: UUID, user: str | None) -> ExitCode:
    async with reading(settings_or_usage(), user) as scope:
        trace = await trace_of(scope, run_id)
        added_up = await sums.of_run(scope, run_id)
        place = await runs.queue_place(scope, run_id)
    if trace is None:
        raise no_such_run(run_id)
    console = plain_console(stderr=False)
    if not console.is_terminal:
        console.width = PIPED_COLUMNS
    for part in timeline(trace, added_up, place):
        console.print(part)
    return ExitCode.OK
