"""The two ways to speak HTTP with a server, awaiting and blocking: what is decided in `following`, sent."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Final, NoReturn

import httpx

from server.client.errors import NotReady, NotUnderstood, Unreachable, refusal_of
from server.client.following import Following, Wish
from server.client.frames import Frame, FrameReader

SILENCE_SECONDS: Final = 35.0  # heartbeats come every 15 s: two missed ones and the connection is lost
CONNECT_TIMEOUT_SECONDS: Final = 10.0
TIMEOUT: Final = httpx.Timeout(CONNECT_TIMEOUT_SECONDS, read=SILENCE_SECONDS)
EVENT_STREAM: Final = "text/event-stream"


def signed(token: str) -> dict[str, str]:
    """Return the header that signs a request in."""
    return {"Authorization": f"Bearer {token}"}


class AsyncConnection:
    """HTTP with a server, awaited."""

    def __init__(self, client: httpx.AsyncClient, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._client: Final = client
        self._pause: Final = pause

    async def frames(self, following: Following) -> AsyncGenerator[Frame]:
        """Yield a stream's frames over as many connections as it takes.

        Raises:
            ClientError: the server refused, was never reached, or stayed away.
        """
        while not following.over:
            try:
                async for frame in self._frames(following):
                    following.passed(frame)
                    yield frame
                following.ended()
            except httpx.ConnectError:
                following.nobody_there()
            except NotReady as error:
                following.not_ready(error)
            except httpx.TransportError:
                pass
            if not following.over:
                await self._pause(following.pause_seconds())

    async def _frames(self, following: Following) -> AsyncGenerator[Frame]:
        reader = FrameReader()
        response = await self._client.send(_built(self._client, following.wish()), stream=True)
        try:
            if not _is_stream(response):
                await response.aread()
                _raise_for(response)
            async for piece in response.aiter_bytes():
                for frame in reader.feed(piece):
                    yield frame
                following.asked_back(reader.retry_ms)
        finally:
            await response.aclose()

    async def answer(self, wish: Wish) -> bytes:
        """Send a request and return the body of its answer.

        Raises:
            ClientError: the server refused, or was not reached.
        """
        try:
            response = await self._client.send(_built(self._client, wish))
        except httpx.TransportError as error:
            raise Unreachable(str(self._client.base_url)) from error
        return _body_of(response)


class BlockingConnection:
    """HTTP with a server, in the thread that asks."""

    def __init__(self, client: httpx.Client, pause: Callable[[float], None] = time.sleep) -> None:
        self._client: Final = client
        self._pause: Final = pause

    def frames(self, following: Following) -> Generator[Frame]:
        """Yield a stream's frames over as many connections as it takes.

        Raises:
            ClientError: the server refused, was never reached, or stayed away.
        """
        while not following.over:
            try:
                for frame in self._frames(following):
                    following.passed(frame)
                    yield frame
                following.ended()
            except httpx.ConnectError:
                following.nobody_there()
            except NotReady as error:
                following.not_ready(error)
            except httpx.TransportError:
                pass
            if not following.over:
                self._pause(following.pause_seconds())

    def _frames(self, following: Following) -> Generator[Frame]:
        reader = FrameReader()
        response = self._client.send(_built(self._client, following.wish()), stream=True)
        try:
            if not _is_stream(response):
                response.read()
                _raise_for(response)
            for piece in response.iter_bytes():
                yield from reader.feed(piece)
                following.asked_back(reader.retry_ms)
        finally:
            response.close()

    def answer(self, wish: Wish) -> bytes:
        """Send a request and return the body of its answer.

        Raises:
            ClientError: the server refused, or was not reached.
        """
        try:
            response = self._client.send(_built(self._client, wish))
        except httpx.TransportError as error:
            raise Unreachable(str(self._client.base_url)) from error
        return _body_of(response)


def _built(client: httpx.AsyncClient | httpx.Client, wish: Wish) -> httpx.Request:
    return client.build_request(wish.method, wish.path, params=wish.query, json=wish.body, headers=wish.headers)


def _is_stream(response: httpx.Response) -> bool:
    return response.is_success and response.headers.get("Content-Type", "").startswith(EVENT_STREAM)


def _body_of(response: httpx.Response) -> bytes:
    if not response.is_success:
        _raise_for(response)
    return response.content


def _raise_for(response: httpx.Response) -> NoReturn:
    """Raise what an answer means that is not the one asked for."""
    if response.is_error:
        raise refusal_of(response.status_code, response.content, response.headers.get("Retry-After"))
    raise NotUnderstood(f"{response.url.scheme}://{response.url.netloc.decode()}", response.status_code)
