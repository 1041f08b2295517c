"""Waiting for a socket again and again.

To begin and to end listening with each wait is work for the event loop and the kernel. So it goes on from one
wait to the next, until something comes that nobody waits for: the loop would be told of that for ever.
"""

import asyncio


class Ear:
    """What hears when a socket has something to read.

    Whoever is about to read it by other means, or to close it, covers the ear first: the
    number of a closed socket is given to another one, which the loop would take for the old one.
    """

    def __init__(self) -> None:
        self._socket: int | None = None  # on which the loop listens
        self._heard: asyncio.Future[None] | None = None  # what somebody waits for

    async def hear(self, socket: int, *, writing: bool) -> None:
        """Wait until there is something to read, or, while `writing`, room to write."""
        loop = asyncio.get_running_loop()
        self._heard = loop.create_future()
        if self._socket is None:
            self._socket = socket
            loop.add_reader(socket, self._resolve)
        if writing:
            loop.add_writer(socket, self._resolve)
        try:
            await self._heard
        finally:
            self._heard = None
            if writing:
                loop.remove_writer(socket)

    def cover(self) -> None:
        """Stop listening, until somebody waits again."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket = None

    def _resolve(self) -> None:
        if self._heard is None:
            self.cover()
        elif not self._heard.done():
            self._heard.set_result(None)
