"""The keys that an issuer publishes for its tokens (a JWK Set, RFC 7517), from a file or an address.

What was read last is used until something better was read: an endpoint that is
down, slow or talks nonsense changes nothing for keys that are known. Keys change,
so the set is read again every ten minutes; and when a token names a key that is
not in it, at once, but not more often than every five minutes.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Final

import httpx
import jwt
from jwt import PyJWK
from pydantic import JsonValue

from server.refusals import Refused
from server.strict_json import read_json
from server.tokens import KEY_ID_MAX_CHARS

FETCH_SECONDS: Final = 4.0  # as a whole
SET_MAX_BYTES: Final = 256 * 1024  # the largest in the wild have some 20 KB
KEYS_MAX: Final = 100
REFRESH_SECONDS: Final = 600.0  # how long a key that was withdrawn is still believed
RETRY_SECONDS: Final = 15.0
UNKNOWN_KEY_SECONDS: Final = 300.0  # between two refreshes for keys that are not known
WAITING_MAX: Final = 256  # requests that wait for one refresh; a storm of made-up keys holds no more of them

log = logging.getLogger(__name__)


class KeysUnusable(Exception):
    """No keys could be read; the text is one sentence for the operator."""


class KeySet:
    """The keys of one issuer."""

    def __init__(self, source: str, algorithms: Sequence[str]) -> None:
        self._source: Final = source
        self._algorithms: Final = algorithms
        self._keys: Mapping[str, PyJWK] = MappingProxyType({})
        self._refreshing: asyncio.Task[None] | None = None
        self._waiting = 0
        self._last_unknown_at = -UNKNOWN_KEY_SECONDS
        self.failure: str | None = "They were not read yet."

    async def find(self, key_id: str) -> PyJWK | None:
        """Return the key of that id; one that is not known may be worth a refresh."""
        if key_id not in self._keys:
            await self._refresh_for_unknown()
        return self._keys.get(key_id)

    async def _refresh_for_unknown(self) -> None:
        if self._refreshing is None:
            if monotonic() - self._last_unknown_at < UNKNOWN_KEY_SECONDS:
                return
            self._last_unknown_at = monotonic()
        if self._waiting < WAITING_MAX:
            self._waiting += 1
            try:
                await self.refresh()
            finally:
                self._waiting -= 1

    async def refresh(self) -> None:
        """Read the set anew, together with whoever else asks for it now."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._read())
        await asyncio.shield(self._refreshing)

    async def keep_fresh(self) -> None:
        """Read the set again and again, more often while that fails."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS if self.failure is None else RETRY_SECONDS)

    async def _read(self) -> None:
        try:
            self._keys = usable_keys(await _bytes_of(self._source), self._algorithms)
            self.failure = None
        except KeysUnusable as error:
            self.failure = str(error)
            log.warning("The keys for tokens were not read, %d are known: %s", len(self), error)
        finally:
            self._refreshing = None

    def __len__(self) -> int:
        return len(self._keys)


def usable_keys(text: bytes, algorithms: Sequence[str]) -> Mapping[str, PyJWK]:
    """Return the keys of a set that may sign tokens, by their ids; others are passed over.

    Raises:
        KeysUnusable: there is none.
    """
    try:
        held = read_json(text)
    except Refused:
        raise KeysUnusable("What is there is not a set of keys.") from None
    listed = held.get("keys") if isinstance(held, dict) else None
    if not isinstance(listed, list):
        raise KeysUnusable("What is there is not a set of keys.")
    keys = dict(_usable(listed[:KEYS_MAX], algorithms))
    if not keys:
        raise KeysUnusable("None of the keys there can be used.")
    return MappingProxyType(keys)


def _usable(listed: list[JsonValue], algorithms: Sequence[str]) -> Iterator[tuple[str, PyJWK]]:
    for entry in listed:
        if isinstance(entry, dict):
            key_id = entry.get("kid")
            key = _key(entry, algorithms)
            if key is not None and isinstance(key_id, str) and 1 <= len(key_id) <= KEY_ID_MAX_CHARS:
                yield key_id, key


def _key(entry: dict[str, JsonValue], algorithms: Sequence[str]) -> PyJWK | None:
    """Return a public key for signatures by one of the algorithms: the one that it names, else the first that fits."""
    if entry.get("use", "sig") != "sig" or "d" in entry:
        return None
    for algorithm in algorithms:
        if entry.get("alg", algorithm) == algorithm:
            with suppress(jwt.PyJWTError):
                key = PyJWK(entry, algorithm)
                if key.Algorithm.check_key_length(key.Algorithm.prepare_key(key.key)) is None:
                    return key
    return None


async def _bytes_of(source: str) -> bytes:
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            if source.startswith(("https://", "http://")):
                return await _answered(source)
            return await asyncio.to_thread(_in_file, source)
    except TimeoutError:
        raise KeysUnusable(f"They did not come within {FETCH_SECONDS:g} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise KeysUnusable(f"They cannot be reached ({type(error).__name__}).") from None


async def _answered(url: str) -> bytes:
    """Return the body of an answer as it is on the wire: nothing is unpacked, and no redirect is followed."""
    headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
    async with httpx.AsyncClient(headers=headers) as client, client.stream("GET", url) as response:
        if response.status_code != HTTPStatus.OK:
            raise KeysUnusable(f"The answer has status {response.status_code}.")
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > SET_MAX_BYTES:
                raise _too_large()
    return bytes(body)


def _in_file(path: str) -> bytes:
    with Path(path).open("rb") as file:
        body = file.read(SET_MAX_BYTES + 1)
    if len(body) > SET_MAX_BYTES:
        raise _too_large()
    return body


def _too_large() -> KeysUnusable:
    return KeysUnusable(f"They have more than {SET_MAX_BYTES // 1024} KB.")
