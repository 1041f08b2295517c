"""The check-up of a running server, for whoever administers it.

A check-up asks the model for a word, which costs something, and connects as the database's
administrator: so all who ask within half a minute get the same one.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final

from server.doctor.checks import Finding, dependency_findings, tracing_findings
from server.tracing.switch import has_extra

FRESH_SECONDS: Final = 30.0

Examine = Callable[[], Awaitable[Sequence[Finding]]]


async def of_process() -> Sequence[Finding]:
    """Return what there is to say of this process alone."""
    return [*tracing_findings(os.environ, has_extra=has_extra()), *dependency_findings()]


class Doctor:
    """Knows how to examine this installation, and what came of it last."""

    def __init__(self, examine: Examine = of_process) -> None:
        self._examine: Final = examine
        self._looking: Final = asyncio.Lock()
        self._looked_at = float("-inf")
        self._found: Sequence[Finding] = ()

    async def findings(self) -> Sequence[Finding]:
        """Return what came of a check-up that is at most half a minute old."""
        async with self._looking:
            if monotonic() - self._looked_at > FRESH_SECONDS:
                self._found = await self._examine()
                self._looked_at = monotonic()
            return self._found
