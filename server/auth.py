"""Who is asking: the user whom the request's one bearer token names.

Every refusal looks the same. A token in the query string is never read.
"""

import re
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request

from persistence.pools import Database
from persistence.record import users
from persistence.scope import Identity, Role
from server.dependencies import TheServer
from server.refusals import SignInRefused
from server.tokens import TOKEN_MAX_CHARS, user_of_token

_BEARER: Final = re.compile(rf"bearer ([\w.-]{{1,{TOKEN_MAX_CHARS}}})", re.IGNORECASE | re.ASCII)
_NOBODY: Final = UUID(int=0)


def token_of(headers: list[str]) -> str:
    """Return the token of the one Authorization header.

    Raises:
        SignInRefused: there is none, more than one, or another scheme.
    """
    match = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    if match is None:
        raise SignInRefused
    return match[1]


async def may_sign_in(database: Database, user_id: UUID) -> bool:
    """Say whether that user exists and is not disabled."""
    async with database.acting(Role.API, Identity(_NOBODY)) as scope:
        return await users.may_sign_in(scope, user_id)


async def signed_in(request: Request, planwright: TheServer) -> UUID:
    """Return who is asking.

    Raises:
        SignInRefused: nobody who may.
    """
    token = token_of(request.headers.getlist("authorization"))
    user_id = user_of_token(planwright.token_key, token)
    if not await may_sign_in(planwright.database, user_id):
        raise SignInRefused
    return user_id


SignedIn = Annotated[UUID, Depends(signed_in)]
