"""JSON Web Tokens: what one must say to be believed, whoever signed it.

A token that is refused is refused in one way only, whatever is wrong with it.
"""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from uuid import UUID

import jwt
from jwt import PyJWK
from jwt.types import Options
from pydantic import JsonValue

from server.refusals import SignInRefused
from server.scopes import USUAL, Scope, ScopesUnreadable, scopes_of

ALGORITHM: Final = "HS256"  # of tokens that a secret signs
TOKEN_MAX_CHARS: Final = 8192  # ours have about 200, those with many claims 4,000; counted before decoding
KEY_ID_MAX_CHARS: Final = 200
CHECKED_KEPT: Final = 1_000  # good tokens whose signature need not be checked again
TOKEN_MAX_DAYS: Final = 30  # a lost token stops working within a month, whoever signed it
LEEWAY_SECONDS: Final = 30  # clocks differ
SECONDS_OF_DAY: Final = 86_400
TIMES: Final = ("exp", "nbf", "iat")
TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})  # the header's; others are made for other uses
ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash"})  # tell a client who signed in; they open nothing
USES: Final[Mapping[str, str]] = MappingProxyType({"typ": "bearer", "token_use": "access"})  # claims of some issuers
REQUIRED: Final[Options] = {"require": ["exp", "sub"], "enforce_minimum_key_length": True}
_SUBJECT: Final = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")  # OpenID Connect: at most 255 characters of ASCII


class TokenLifetimeInvalid(ValueError):
    """A token would live for no time or for too long."""

    def __init__(self, most: int = TOKEN_MAX_DAYS) -> None:
        super().__init__(f"A token lives for 1 to {most} days.")


@dataclass(frozen=True, slots=True)
class Rules:
    """What tokens have to say beside being signed; without an issuer a subject is the id of a user of ours."""

    algorithms: tuple[str, ...] = (ALGORITHM,)
    issuer: str | None = None
    audience: str | None = None
    clients: tuple[str, ...] = ()
    max_days: int = TOKEN_MAX_DAYS


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that is believed says."""

    subject: str
    scopes: frozenset[Scope]
    expires_at: float


def issue_token(key: str, user_id: UUID, days: int, scopes: Iterable[Scope] = USUAL) -> str:
    """Return a token that signs `user_id` in for `days` days.

    Raises:
        TokenLifetimeInvalid: `days` is not within 1 to `TOKEN_MAX_DAYS`.
    """
    if not 1 <= days <= TOKEN_MAX_DAYS:
        raise TokenLifetimeInvalid
    now = int(time.time())
    claims = {"sub": str(user_id), "iat": now, "exp": now + days * SECONDS_OF_DAY, "scope": " ".join(sorted(scopes))}
    return jwt.encode(claims, key, ALGORITHM)


def key_id_of(token: str, rules: Rules) -> str:
    """Return which key a token says that it is signed by; nothing in it is checked yet.

    Raises:
        SignInRefused: it names none, or is none of those that are looked at any further.
    """
    if len(token) > TOKEN_MAX_CHARS:
        raise SignInRefused
    try:
        header: Mapping[str, JsonValue] = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise SignInRefused from None
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 1 <= len(key_id) <= KEY_ID_MAX_CHARS:
        raise SignInRefused
    if header.get("alg") not in rules.algorithms:
        raise SignInRefused
    return key_id


def claims_of(token: str, key: str | PyJWK, rules: Rules) -> Claims:
    """Return what a token says.

    Raises:
        SignInRefused: it is not signed by that key, not valid now, or not for us.
    """
    if len(token) > TOKEN_MAX_CHARS:
        raise SignInRefused
    claims = _checked(token, key, rules)
    if claims.expires_at + LEEWAY_SECONDS <= time.time():
        raise SignInRefused
    return claims


@lru_cache(CHECKED_KEPT)
def _checked(token: str, key: str | PyJWK, rules: Rules) -> Claims:
    """Return what a token says that was good when it was first shown; since then it can only have expired."""
    try:
        decoded = jwt.decode_complete(
            token, key, rules.algorithms, REQUIRED, audience=rules.audience, issuer=rules.issuer, leeway=LEEWAY_SECONDS
        )
        claims: Mapping[str, JsonValue] = decoded["payload"]
        scopes = scopes_of(claims.get("scope"))
    except (jwt.PyJWTError, ScopesUnreadable):
        raise SignInRefused from None
    if not (_is_for_signing_in(decoded["header"], claims) and _is_from_a_client(claims, rules)):
        raise SignInRefused
    return Claims(_subject(claims["sub"], rules), scopes, _expiry(claims, rules))


def _is_for_signing_in(header: Mapping[str, JsonValue], claims: Mapping[str, JsonValue]) -> bool:
    """Say whether a token is for calling a service, and not one of the others that an issuer hands out."""
    if str(header.get("typ", "JWT")).lower() not in TYPES or not ID_TOKEN_CLAIMS.isdisjoint(claims):
        return False
    return all(str(claims.get(name, use)).lower() == use for name, use in USES.items())


def _is_from_a_client(claims: Mapping[str, JsonValue], rules: Rules) -> bool:
    return not rules.clients or claims.get("azp", claims.get("client_id")) in rules.clients


def _expiry(claims: Mapping[str, JsonValue], rules: Rules) -> float:
    times = {name: claims[name] for name in TIMES if name in claims}
    if not all(isinstance(moment, int | float) and not isinstance(moment, bool) for moment in times.values()):
        raise SignInRefused
    latest = time.time() + rules.max_days * SECONDS_OF_DAY + LEEWAY_SECONDS
    expiry = times["exp"]
    assert isinstance(expiry, int | float), "every time is a number"
    if expiry > latest:
        raise SignInRefused
    return float(expiry)


def is_subject(text: str) -> bool:
    """Say whether a text can be an issuer's word for somebody."""
    return _SUBJECT.fullmatch(text) is not None


def _subject(subject: JsonValue, rules: Rules) -> str:
    """Return a subject that can be looked up; one of ours is an id in its one spelling."""
    if not isinstance(subject, str) or not is_subject(subject):
        raise SignInRefused
    if rules.issuer is None and str(_id(subject)) != subject:
        raise SignInRefused
    return subject


def _id(subject: str) -> UUID:
    try:
        return UUID(subject)
    except ValueError:
        raise SignInRefused from None
