"""`planwright export`: a run as one file, on stdout."""

import sys
from uuid import UUID

from server.terminal.backend import Reached
from server.terminal.exits import ExitCode, perform
from server.terminal.reach import reached


def run(run_id: UUID, by: Reached, *, as_html: bool) -> None:
    """Write the file: a page, or a JSON document."""
    perform(_export(run_id, by, as_html=as_html))


async def _export(run_id: UUID, by: Reached, *, as_html: bool) -> ExitCode:
    async with reached(by) as backend:
        exported = await backend.export(run_id, "html" if as_html else "json")
    sys.stdout.buffer.write(exported)
    return ExitCode.OK
