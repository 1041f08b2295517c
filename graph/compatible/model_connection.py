"""The HTTP side of a model call: one provider, pooled connections, one time limit.

Why not the vendor's client: it builds a checked object of every streamed piece,
which was about half of all CPU of a run, and whatever its parser did not expect
(`choices: null`, an error object sent with status 200) surfaces as a
`TypeError` or `ValueError` that quotes the body. Here a piece is one
`json.loads`, and everything that arrived in one read is handed on at once.
The transport is aiohttp, whose parser of HTTP is compiled: httpx took a sixth
of a run's CPU (docs/decisions/0018-speed.md).
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from pydantic import JsonValue, SecretStr

from graph.compatible.event_reader import DONE, EventReader
from graph.compatible.model_failures import classify_failure, failure_of_status, seconds_to_wait, unusable
from nodes.vocabulary.model_json import model_json

MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024  # 100,000 streamed pieces of about 300 bytes each
NO_LIMIT: Final = 0  # how many calls there are at once, runs and the width of their plans say
OPENAI_HOST: Final = "api.openai.com"
END_OF_STREAM: Final = DONE.decode()
IDLE_CONNECTION_SECONDS: Final = 30.0  # shorter than the idle limit of common gateways, so none is closed under us


class ModelConnection:
    """One provider's endpoint. Belongs to the event loop that first calls it."""

    def __init__(self, base_url: str, key: SecretStr, *, connect_seconds: float, total_seconds: float) -> None:
        self.host: Final = urlsplit(base_url).hostname or ""
        self.is_openai: Final = self.host == OPENAI_HOST
        self._url: Final = f"{base_url.rstrip('/')}/chat/completions"
        self._headers: Final = _headers(key)
        self._connect_seconds: Final = connect_seconds
        self._total_seconds: Final = total_seconds
        self._client: aiohttp.ClientSession | None = None

    async def whole(self, payload: Mapping[str, JsonValue]) -> JsonValue:
        """Post a request and return its JSON answer.

        Raises:
            ModelFailure: nothing usable came back in time.
        """
        with failures_translated():
            async with asyncio.timeout(self._total_seconds), await self._send(payload) as response:
                _refuse_unsuccessful(response)
                received = bytearray()
                while block := await response.content.readany():
                    received += block
                    _refuse_endless(len(received))
        return _parsed(received)

    async def stream(self, payload: Mapping[str, JsonValue]) -> AsyncGenerator[Iterator[JsonValue]]:
        """Post a request and yield the events of its answer, those of one read together, each parsed when it is taken.

        An answer that is no event stream, as some gateways send for errors, is one event. The
        mark at the end of a stream is the event `END_OF_STREAM`.

        Raises:
            ModelFailure: the stream did not start, broke, or took too long.
        """
        reader = EventReader()
        async with aclosing(self._blocks(payload)) as blocks:
            async for block in blocks:
                if complete := reader.feed(block):
                    yield map(_event, complete)
        if rest := reader.end():
            yield map(_event, rest)

    async def close(self) -> None:
        """Close the pooled connections; the next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _blocks(self, payload: Mapping[str, JsonValue]) -> AsyncGenerator[bytes]:
        """Yield the body of a successful answer as it arrives, within both limits."""
        deadline = asyncio.get_running_loop().time() + self._total_seconds
        with failures_translated():
            async with asyncio.timeout_at(deadline):
                response = await self._send(payload)
            async with response:  # which closes the connection of a body that was not read to its end
                _refuse_unsuccessful(response)
                received_bytes = 0
                while block := await _next_before(deadline, response.content):
                    received_bytes += len(block)
                    _refuse_endless(received_bytes)
                    yield block

    async def _send(self, payload: Mapping[str, JsonValue]) -> aiohttp.ClientResponse:
        if self._client is None:
            self._client = self._new_client()
        body = model_json(payload)
        return await self._client.post(self._url, data=body, headers=self._headers, allow_redirects=False)

    def _new_client(self) -> aiohttp.ClientSession:
        """Make the client. The time limit of a call is kept here, for all of its parts together.

        The environment is asked for a proxy once. With `trust_env`, aiohttp would ask it for each call, in a thread
        that waits for a busy event loop, and look into `.netrc`, whose password it cannot send beside our key.
        """
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=NO_LIMIT, keepalive_timeout=IDLE_CONNECTION_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy_for(self._url),
        )


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for an address, as `http_proxy`, `https_proxy` and `no_proxy` say."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


@contextmanager
def failures_translated() -> Generator[None]:
    """Turn what the HTTP client raises into a `ModelFailure`.

    The cause is cut off on purpose: clients put the address into their messages.

    Raises:
        ModelFailure: in place of every failure of the transport.
    """
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise classify_failure(error) from None


def _refuse_unsuccessful(response: aiohttp.ClientResponse) -> None:
    """Raise unless the answer is what was asked for; a redirect is not followed."""
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        wait_seconds = seconds_to_wait(response.headers.get("retry-after"))
        raise failure_of_status(response.status, retry_after_seconds=wait_seconds)


def _refuse_endless(received_bytes: int) -> None:
    if received_bytes > MAX_ANSWER_BYTES:
        raise unusable("an answer without end")


async def _next_before(deadline: float, body: aiohttp.StreamReader) -> bytes:
    """Return what has arrived, or nothing at the end of the body."""
    async with asyncio.timeout_at(deadline):
        return await body.readany()


def _event(data: bytes) -> JsonValue:
    return END_OF_STREAM if data == DONE else _parsed(data)


def _parsed(data: bytes | bytearray) -> JsonValue:
    """Return the JSON value, lone surrogates and all: they are replaced where text is kept."""
    with suppress(ValueError):  # at lone surrogates and NaN, which are rare, and at what is no JSON
        fast: JsonValue = orjson.loads(data)
        return fast
    try:
        value: JsonValue = json.loads(data)
    except (ValueError, RecursionError):
        raise unusable("unreadable JSON") from None
    return value


def _headers(key: SecretStr) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if secret := key.get_secret_value():
        headers["Authorization"] = f"Bearer {secret}"
    return headers
