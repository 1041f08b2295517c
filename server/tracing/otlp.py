"""OpenTelemetry, when the environment asks for it and the extra is installed."""

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from graph.turn import Listeners, nobody
from server.tracing.switch import has_extra, switches

log = logging.getLogger(__name__)


@asynccontextmanager
async def exported() -> AsyncGenerator[Listeners]:
    """Give who listens to the runs inside: somebody who sends them out as spans, or nobody."""
    on = switches(os.environ)
    if not on:
        yield nobody
        return
    if not has_extra():
        log.warning("Nothing is traced by %s: the extra is not installed, pip install 'planwright[otel]'", on[0])
        yield nobody
        return
    from server.tracing.span_export import exporting

    async with exporting() as listeners:
        yield listeners
