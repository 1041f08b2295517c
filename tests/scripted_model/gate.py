"""A gate: a reply waits behind it until the test opens it. Nobody sleeps."""

import asyncio
from concurrent.futures import Future


class Gate:
    """Opened once, from any thread; awaited from any event loop."""

    def __init__(self) -> None:
        self._reached: Future[None] = Future()
        self._opened: Future[None] = Future()

    def open(self) -> None:
        """Let every reply behind the gate go on, now and later."""
        if not self._opened.done():
            self._opened.set_result(None)

    async def reached(self) -> None:
        """Return as soon as a first reply waits at the gate."""
        await asyncio.shield(asyncio.wrap_future(self._reached))

    async def passed(self) -> None:
        """Wait at the gate. The server calls this."""
        if not self._reached.done():
            self._reached.set_result(None)
        await asyncio.shield(asyncio.wrap_future(self._opened))
