"""Bearer tokens: HS256, one user, at most a month.

A token that is refused is refused in one way only, whatever is wrong with it.
"""

import time
from typing import Final
from uuid import UUID

import jwt

from server.refusals import SignInRefused

ALGORITHM: Final = "HS256"
TOKEN_MAX_CHARS: Final = 4096  # ours have about 200; a longer one is refused before it is decoded
TOKEN_MAX_DAYS: Final = 30  # a lost token stops working within a month, whoever signed it
LEEWAY_SECONDS: Final = 30  # clocks differ
SECONDS_OF_DAY: Final = 86_400


class TokenLifetimeInvalid(ValueError):
    """A token would live for no time or for too long."""

    def __init__(self) -> None:
        super().__init__(f"A token lives for 1 to {TOKEN_MAX_DAYS} days.")


def issue_token(key: str, user_id: UUID, days: int) -> str:
    """Return a token that signs `user_id` in for `days` days.

    Raises:
        TokenLifetimeInvalid: `days` is not within 1 to `TOKEN_MAX_DAYS`.
    """
    if not 1 <= days <= TOKEN_MAX_DAYS:
        raise TokenLifetimeInvalid
    now = int(time.time())
    claims = {"sub": str(user_id), "iat": now, "exp": now + days * SECONDS_OF_DAY}
    return jwt.encode(claims, key, ALGORITHM)


def user_of_token(key: str, token: str) -> UUID:
    """Return whom a token names.

    Raises:
        SignInRefused: it is not one of ours, has expired, or lives too long.
    """
    if len(token) > TOKEN_MAX_CHARS:
        raise SignInRefused
    try:
        claims = jwt.decode(token, key, [ALGORITHM], options={"require": ["exp", "sub"]}, leeway=LEEWAY_SECONDS)
    except jwt.InvalidTokenError:
        raise SignInRefused from None
    if float(claims["exp"]) > time.time() + TOKEN_MAX_DAYS * SECONDS_OF_DAY + LEEWAY_SECONDS:
        raise SignInRefused
    return _canonical(claims["sub"])


def _canonical(subject: str) -> UUID:
    try:
        user_id = UUID(subject)
    except ValueError:
        raise SignInRefused from None
    if str(user_id) != subject:
        raise SignInRefused
    return user_id
