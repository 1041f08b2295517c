"""The two clients behind one face, so that each promise is tried with both."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from server.client.call import Call
from server.client.clients import AsyncClient, Client, Received
from server.client.following import told_nobody
from server.client.sending import Decided, Question

Answer = TypeVar("Answer")


class Speaking(Protocol):
    """Somebody who speaks with a server, in one way or the other."""

    async def stream(self, question: Question | str, key: str | None = None) -> list[Received]:
        """Send a message and read its stream to the end."""
        ...

    async def resume(self, run_id: UUID, after: int = 0) -> list[Received]:
        """Read a run's stream to the end."""
        ...

    async def decide(self, run_id: UUID, decided: Decided) -> list[Received]:
        """Decide and read the stream to the end."""
        ...

    async def cancel(self, run_id: UUID) -> bool:
        """Stop a run."""
        ...

    async def call(self, call: Call[Answer]) -> Answer:
        """Ask for what is stored."""
        ...


@dataclass(frozen=True)
class Awaiting:
    """With `AsyncClient`."""

    address: str
    token: str
    on_lost: Callable[[int], None] = told_nobody

    async def stream(self, question: Question | str, key: str | None = None) -> list[Received]:
        """Send a message and read its stream to the end."""
        async with self._client() as client:
            return [received async for received in client.stream(question, key)]

    async def resume(self, run_id: UUID, after: int = 0) -> list[Received]:
        """Read a run's stream to the end."""
        async with self._client() as client:
            return [received async for received in client.resume(run_id, after)]

    async def decide(self, run_id: UUID, decided: Decided) -> list[Received]:
        """Decide and read the stream to the end."""
        async with self._client() as client:
            return [received async for received in client.decide(run_id, decided)]

    async def cancel(self, run_id: UUID) -> bool:
        """Stop a run."""
        async with self._client() as client:
            return await client.cancel(run_id)

    async def call(self, call: Call[Answer]) -> Answer:
        """Ask for what is stored."""
        async with self._client() as client:
            return await client.call(call)

    def _client(self) -> AsyncClient:
        return AsyncClient(self.address, self.token, self.on_lost)


@dataclass(frozen=True)
class Blocking:
    """With `Client`, in a thread of its own, since the server runs in this one."""

    address: str
    token: str
    on_lost: Callable[[int], None] = told_nobody

    async def stream(self, question: Question | str, key: str | None = None) -> list[Received]:
        """Send a message and read its stream to the end."""
        return await self._used(lambda client: list(client.stream(question, key)))

    async def resume(self, run_id: UUID, after: int = 0) -> list[Received]:
        """Read a run's stream to the end."""
        return await self._used(lambda client: list(client.resume(run_id, after)))

    async def decide(self, run_id: UUID, decided: Decided) -> list[Received]:
        """Decide and read the stream to the end."""
        return await self._used(lambda client: list(client.decide(run_id, decided)))

    async def cancel(self, run_id: UUID) -> bool:
        """Stop a run."""
        return await self._used(lambda client: client.cancel(run_id))

    async def call(self, call: Call[Answer]) -> Answer:
        """Ask for what is stored."""
        return await self._used(lambda client: client.call(call))

    async def _used(self, use: Callable[[Client], Answer]) -> Answer:
        def used() -> Answer:
            with Client(self.address, self.token, self.on_lost) as client:
                return use(client)

        return await asyncio.to_thread(used)
