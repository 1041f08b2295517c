"""`planwright show`: everything that is recorded about a run, here or in a file."""

from pathlib import Path
from uuid import UUID

from persistence.record import sums
from persistence.record.sums import Sums
from persistence.runs import runs
from server.bodies import ID_TEXT
from server.exports.bundle import Bundle, BundleUnreadable, read_bundle
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.screen import plain_console
from server.terminal.settings import settings_or_usage
from server.terminal.stored import no_such_run, reading
from server.terminal.timeline import timeline
from server.trace import Trace, trace_of

PIPED_COLUMNS: int = 100


def run(name: str, user: str | None) -> None:
    """Print the record of a run, or of the run in a file, as a timeline."""
    perform(_show_stored(UUID(name), user) if ID_TEXT.fullmatch(name.lower()) else _show_file(Path(name)))


async def _show_stored(run_id: UUID, user: str | None) -> ExitCode:
    async with reading(settings_or_usage(), user) as scope:
        trace = await trace_of(scope, run_id)
        added_up = await sums.of_run(scope, run_id)
        place = await runs.queue_place(scope, run_id)
    if trace is None:
        raise no_such_run(run_id)
    _print(trace, added_up, place)
    return ExitCode.OK


async def _show_file(file: Path) -> ExitCode:
    bundle = _read(file)
    _print(bundle.trace, bundle.sums, 0)
    return ExitCode.OK


def _read(file: Path) -> Bundle:
    try:
        return read_bundle(file.read_bytes())
    except OSError as error:
        raise CommandFailed(ExitCode.USAGE, f"“{file}” is no run’s id, and no file to read.") from error
    except BundleUnreadable as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from error


def _print(trace: Trace, added_up: Sums, queue_place: int) -> None:
    console = plain_console(stderr=False)
    if not console.is_terminal:
        console.width = PIPED_COLUMNS
    for part in timeline(trace, added_up, queue_place):
        console.print(part)
