"""A client of a Planwright server, awaited or blocking: send, follow, decide, stop, and ask for what is stored.

    with Client("http://127.0.0.1:8000", token) as client:
        for received in client.stream("What is overdue?"):
            print(received.event)

A stream that breaks is taken up again by itself, behind the last event, and no
message is ever accepted twice. What can be asked for besides stands in `calls`.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Final, Self, TypeVar
from uuid import UUID

import httpx
from pydantic import ValidationError

from nodes.vocabulary.events import EVENT, Event
from server.client.call import Call
from server.client.connections import TIMEOUT, AsyncConnection, BlockingConnection, signed
from server.client.errors import Conflict, NotUnderstood
from server.client.following import Following, Wish, told_nobody
from server.client.frames import Frame
from server.client.sending import Decided, Question

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Received:
    """One event of a run: its number, and what it tells; None when this version does not know its type.

    `payload` is its JSON as it came, a line of the run's log.
    """

    seq: int
    event: Event | None
    payload: str


class AsyncClient:
    """Planwright at an address, awaited. `on_lost` is told the number of each try to get a stream back."""

    def __init__(self, address: str, token: str, on_lost: Callable[[int], None] = told_nobody) -> None:
        self.address: Final = address
        self._on_lost: Final = on_lost
        self._http: Final = httpx.AsyncClient(base_url=address, headers=signed(token), timeout=TIMEOUT)
        self._connection: Final = AsyncConnection(self._http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def stream(self, question: Question | str, key: str | None = None) -> AsyncGenerator[Received]:
        """Send a message and yield its run's events until it ends or waits for a person.

        Args:
            question: the message, alone or with where and how it is asked.
            key: an Idempotency-Key of the caller's, under which a later call joins the same run.

        Raises:
            ClientError: the server refused, was never reached, or stayed away.
        """
        return self._received(_asking(self.address, question, key, self._on_lost))

    def resume(self, run_id: UUID, after: int = 0) -> AsyncGenerator[Received]:
        """Yield a run's events behind number `after`, those that are there and those to come.

        Raises:
            ClientError: the server refused, was never reached, or stayed away.
        """
        return self._received(Following(self.address, run_id=run_id, after=after, on_lost=self._on_lost))

    def decide(self, run_id: UUID, decided: Decided) -> AsyncGenerator[Received]:
        """Say what becomes of the calls that a run waits for, and yield its events from there.

        Raises:
            ClientError: the server refused, was never reached, or stayed away.
        """
        return self._received(Following(self.address, decided=decided, run_id=run_id, on_lost=self._on_lost))

    async def cancel(self, run_id: UUID) -> bool:
        """Stop a run; False when it had ended already.

        Raises:
            ClientError: there is no such run, or the server was not reached.
        """
        try:
            await self._connection.answer(_cancelling(run_id))
        except Conflict:
            return False
        return True

    async def call(self, call: Call[Answer]) -> Answer:
        """Ask for what is stored, or change it: any of the functions in `calls`.

        Raises:
            ClientError: the server refused or was not reached, or its answer is not what this version knows.
        """
        body = await self._connection.answer(call.wish)
        return _read(call, body, self.address)

    async def _received(self, following: Following) -> AsyncGenerator[Received]:
        async with aclosing(self._connection.frames(following)) as frames:
            async for frame in frames:
                yield _received(frame)


class Client:
    """Planwright at an address, blocking: the same as `AsyncClient` for a program without an event loop."""

    def __init__(self, address: str, token: str, on_lost: Callable[[int], None] = told_nobody) -> None:
        self.address: Final = address
        self._on_lost: Final = on_lost
        self._http: Final = httpx.Client(base_url=address, headers=signed(token), timeout=TIMEOUT)
        self._connection: Final = BlockingConnection(self._http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def stream(self, question: Question | str, key: str | None = None) -> Generator[Received]:
        """Send a message and yield its run's events; see `AsyncClient.stream`."""
        return self._received(_asking(self.address, question, key, self._on_lost))

    def resume(self, run_id: UUID, after: int = 0) -> Generator[Received]:
        """Yield a run's events behind number `after`; see `AsyncClient.resume`."""
        return self._received(Following(self.address, run_id=run_id, after=after, on_lost=self._on_lost))

    def decide(self, run_id: UUID, decided: Decided) -> Generator[Received]:
        """Say what becomes of the calls that a run waits for; see `AsyncClient.decide`."""
        return self._received(Following(self.address, decided=decided, run_id=run_id, on_lost=self._on_lost))

    def cancel(self, run_id: UUID) -> bool:
        """Stop a run; False when it had ended already; see `AsyncClient.cancel`."""
        try:
            self._connection.answer(_cancelling(run_id))
        except Conflict:
            return False
        return True

    def call(self, call: Call[Answer]) -> Answer:
        """Ask for what is stored, or change it; see `AsyncClient.call`."""
        return _read(call, self._connection.answer(call.wish), self.address)

    def _received(self, following: Following) -> Generator[Received]:
        with closing(self._connection.frames(following)) as frames:
            for frame in frames:
                yield _received(frame)


def _asking(address: str, question: Question | str, key: str | None, on_lost: Callable[[int], None]) -> Following:
    asked = Question(question) if isinstance(question, str) else question
    following = Following(address, question=asked, on_lost=on_lost)
    if key is not None:
        following.key = key
    return following


def _cancelling(run_id: UUID) -> Wish:
    return Wish("POST", f"/api/agent/runs/{run_id}/cancel")


def _received(frame: Frame) -> Received:
    try:
        event = EVENT.validate_json(frame.payload)
    except ValidationError:
        event = None
    return Received(frame.seq, event, frame.payload)


def _read(call: Call[Answer], body: bytes, address: str) -> Answer:
    try:
        return call.read(body)
    except ValidationError as error:
        raise NotUnderstood(address, 200) from error
