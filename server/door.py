"""The door: the bytes of a request body, before anything else looks at them.

How many they are, of which type, and whether they come in time; then the JSON
(`strict_json`), then the fields (`bodies`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from server.refusals import BodyRefused, Refused
from server.strict_json import read_json

BODY_MAX_BYTES: Final = 256 * 1024  # 16 times the longest message, for the history around it
BODY_SECONDS: Final = 10.0  # for the whole body
DISCARD_MAX_BYTES: Final = 16 * 1024 * 1024  # of a body too large, read so that its sender gets to read the answer
DISCARD_SECONDS: Final = 2.0

Body = TypeVar("Body", bound=BaseModel)


async def body_of(request: Request, model: type[Body]) -> Body:
    """Return the request's body as `model`.

    Raises:
        Refused: it is not one; the code says in which way.
    """
    _check_headers(request.headers)
    return parsed(await _bytes(request), model)


def parsed(body: bytes, model: type[Body]) -> Body:
    """Return the bytes of a body as `model`.

    Raises:
        Refused: they are not one; the code says in which way.
    """
    value = read_json(body)
    if not isinstance(value, dict):
        raise Refused("not_an_object")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Refused(_code_of(error)) from None


def _code_of(error: ValidationError) -> str:
    """Return what is wrong in one word; the field that should not be there comes first."""
    faults = error.errors(include_input=False, include_url=False)
    if any(fault["type"] == "extra_forbidden" for fault in faults):
        return "unknown_field"
    return "invalid_id" if str(faults[0]["loc"][0]).endswith("_id") else "invalid_field"


def _check_headers(headers: Headers) -> None:
    if "transfer-encoding" not in headers and headers.get("content-length", "0") == "0":
        raise Refused("body_required")
    kinds = [kind.partition(";")[0].strip().lower() for kind in headers.getlist("content-type")]
    codings = [coding.strip().lower() for coding in headers.getlist("content-encoding")]
    if kinds != ["application/json"] or codings not in ([], ["identity"]):
        raise BodyRefused("unsupported_media_type")


async def _bytes(request: Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _within_the_cap(request)
    except TimeoutError:
        raise BodyRefused("request_timeout") from None
    except ClientDisconnect:
        raise BodyRefused("bad_request") from None


async def _within_the_cap(request: Request) -> bytes:
    chunks = request.stream()
    received = bytearray()
    if int(request.headers.get("content-length", "0")) > BODY_MAX_BYTES:
        await _refuse_too_large(chunks)
    async for chunk in chunks:
        received += chunk
        if len(received) > BODY_MAX_BYTES:
            await _refuse_too_large(chunks)
    return bytes(received)


async def _refuse_too_large(chunks: AsyncIterator[bytes]) -> NoReturn:
    """Let a sender that is nearly done finish, since many read no answer before that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            await _discard(chunks)
    raise BodyRefused("body_too_large")


async def _discard(chunks: AsyncIterator[bytes]) -> None:
    discarded = 0
    async for chunk in chunks:
        discarded += len(chunk)
        if discarded > DISCARD_MAX_BYTES:
            return
