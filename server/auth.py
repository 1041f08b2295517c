"""Who is asking, and whether they may: one bearer token, or the cookie of the page's session.

Every refusal to sign in looks the same, and the signature is checked before the
database is asked. A token in the query string is refused.
"""

import math
import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request

from persistence.pools import Database
from persistence.record import credentials, users
from persistence.record.credentials import Holder, Kind
from persistence.scope import Identity, Role
from server.cookies import is_from_own_page, sessions_of
from server.credentials import PREFIXES, digest_of, is_ours
from server.dependencies import TheServer
from server.failures import FORGIVEN_PER_SECOND
from server.refusals import Refused, SignInRefused
from server.scopes import Scope
from server.tokens import TOKEN_MAX_CHARS, Claims, claims_of, key_id_of
from server.wiring import Planwright

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
IN_QUERY: Final = frozenset({"access_token", "api_key", "authorization", "bearer", "code", "jwt", "token"})
_BEARER: Final = re.compile(rf"bearer ([\w.-]{{1,{TOKEN_MAX_CHARS}}})", re.IGNORECASE | re.ASCII)
_NOBODY: Final = Identity(UUID(int=0))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, what they may, until when, and with which credential of ours, if it is one.

    Unless the person `is_known`, their credential is good, and nobody has looked whether they may still sign in.
    """

    user_id: UUID
    scopes: frozenset[Scope]
    expires_at: float
    credential_id: UUID | None = None
    is_known: bool = True


def token_of(headers: list[str]) -> str:
    """Return the token of the one Authorization header.

    Raises:
        SignInRefused: there is none, more than one, or another scheme.
    """
    match = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    if match is None:
        raise SignInRefused
    return match[1]


@contextmanager
def failures_counted(request: Request, planwright: Planwright) -> Generator[None]:
    """Count a refusal to sign in for the address it came from.

    Raises:
        Refused: as it was, or as one of too many.
    """
    try:
        yield
    except SignInRefused:
        if planwright.sign_in.failures.note(request.client.host if request.client else ""):
            seconds = math.ceil(1 / FORGIVEN_PER_SECOND)
            raise Refused("too_many_failures", {"Retry-After": str(seconds)}) from None
        raise


async def caller_of(request: Request, planwright: TheServer) -> Caller:
    """Return who is asking: by exactly one header or cookie.

    Raises:
        Refused: nobody who may, or a page of somebody else's in their name.
    """
    claimed = await _claimed(request, planwright)
    with failures_counted(request, planwright):
        return await _known(planwright, claimed)


async def writer_of(request: Request, planwright: TheServer) -> Caller:
    """Return who is asking and may write. Whether they are known, whoever takes this finds out: see `confirmed`.

    Raises:
        Refused: as `caller_of`, or they may only read.
    """
    claimed = await _claimed(request, planwright)
    async with confirmed(request, planwright, claimed):
        _permitted(claimed, Scope.WRITE)
    return claimed


@asynccontextmanager
async def confirmed(request: Request, planwright: Planwright, caller: Caller) -> AsyncGenerator[None]:
    """Do what only somebody known may, who is looked for in it: nobody else is told why it is refused.

    Raises:
        Refused: as it was, or since the caller may not sign in.
    """
    with failures_counted(request, planwright):
        try:
            yield
        except SignInRefused:
            raise
        except Refused:
            await _known(planwright, caller)
            raise


async def _known(planwright: Planwright, caller: Caller) -> Caller:
    if not caller.is_known and not await may_sign_in(planwright.database, caller.user_id):
        raise SignInRefused
    return caller


async def _claimed(request: Request, planwright: Planwright) -> Caller:
    """Return whom a good credential names."""
    headers, cookies = request.headers.getlist("authorization"), sessions_of(request)
    if not headers and not cookies:
        raise SignInRefused
    with failures_counted(request, planwright):
        if len(headers) + len(cookies) > 1 or not IN_QUERY.isdisjoint(request.query_params):
            raise SignInRefused
        if headers:
            return await _claimed_by_bearer(planwright, headers)
        if not is_from_own_page(request, acting=request.method not in SAFE_METHODS):
            raise Refused("cross_site")
        return await _holder_of(planwright, Kind.SESSION, cookies[0])


async def bearer_of(planwright: Planwright, headers: list[str]) -> Caller:
    """Return whom the one Authorization header signs in.

    Raises:
        SignInRefused: nobody who may.
    """
    return await _known(planwright, await _claimed_by_bearer(planwright, headers))


async def _claimed_by_bearer(planwright: Planwright, headers: list[str]) -> Caller:
    token = token_of(headers)
    if token.startswith(PREFIXES[Kind.TOKEN]):
        return await _holder_of(planwright, Kind.TOKEN, token)
    claims = await _claims(planwright, token)
    issuer = planwright.sign_in.rules.issuer
    if issuer is None:
        return Caller(UUID(claims.subject), claims.scopes, claims.expires_at, is_known=False)
    user_id = await _user_of(planwright, issuer, claims.subject)
    if user_id is None:
        raise SignInRefused
    return Caller(user_id, claims.scopes, claims.expires_at)


async def _claims(planwright: Planwright, token: str) -> Claims:
    rules, keys = planwright.sign_in.rules, planwright.sign_in.keys
    key = planwright.token_key if keys is None else await keys.find(key_id_of(token, rules))
    if key is None:
        raise SignInRefused
    return claims_of(token, key, rules)


async def _user_of(planwright: Planwright, issuer: str, subject: str) -> UUID | None:
    time_zone = planwright.sign_in.sign_up_zone
    async with planwright.database.acting(Role.API, _NOBODY) as scope:
        user_id = await users.of_subject(scope, issuer, subject)
        if user_id is None and time_zone is not None:
            user_id = await users.sign_up_subject(scope, issuer, subject, time_zone)
    return user_id


async def may_sign_in(database: Database, user_id: UUID) -> bool:
    """Say whether that user exists and is not disabled."""
    async with database.acting(Role.API, _NOBODY) as scope:
        scope.ends_with_next()
        return await users.may_sign_in(scope, user_id)


async def _holder_of(planwright: Planwright, kind: Kind, text: str) -> Caller:
    held: Holder | None = None
    if is_ours(planwright.sign_in.credential_key, kind, text):
        async with planwright.database.acting(Role.API, _NOBODY) as scope:
            held = await credentials.holder(scope, kind, digest_of(text))
    if held is None:
        raise SignInRefused
    return Caller(held.user_id, frozenset(map(Scope, held.scopes)), held.expires_at.timestamp(), held.credential_id)


TheCaller = Annotated[Caller, Depends(caller_of)]
TheWriter = Annotated[Caller, Depends(writer_of)]


def requires(scope: Scope) -> Callable[[Caller], Coroutine[Any, Any, UUID]]:
    """Return the dependency of an endpoint that needs this scope; it gives the user's id."""

    async def permitted(caller: TheCaller) -> UUID:
        return _permitted(caller, scope)

    return permitted


async def signed_in(request: Request, caller: TheCaller) -> UUID:
    """Return who is asking, who may read, or write where the method changes something.

    Raises:
        Refused: they may not.
    """
    return _permitted(caller, Scope.READ if request.method in SAFE_METHODS else Scope.WRITE)


def _permitted(caller: Caller, scope: Scope) -> UUID:
    if scope not in caller.scopes:
        raise Refused("forbidden")
    return caller.user_id


SignedIn = Annotated[UUID, Depends(signed_in)]
