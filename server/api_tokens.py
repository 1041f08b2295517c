"""Making API tokens over HTTP, where whoever asks may be somebody who found a token.

What is made with a token lives no longer than that, goes with it when it is revoked,
and permits nothing that it did not. So a token that leaked is done with by revoking it.
Only a page that the one-time link opened makes tokens that stand by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from persistence.record import credentials
from persistence.record.credentials import ApiToken, Kind
from persistence.scope import Scope as Transaction
from server.auth import Caller
from server.cookies import BY_BEARER
from server.credentials import digest_of
from server.refusals import Refused
from server.scopes import USUAL, Scope

TOKENS_MAX: Final = 100  # of one person


@dataclass(frozen=True, slots=True)
class _Origin:
    """What a new token hangs on, and when it ends at the latest."""

    made_with: UUID | None
    latest: datetime | None


async def add_token(
    scope: Transaction, caller: Caller, token: str, name: str, days: int, wanted: Sequence[str] | None
) -> ApiToken:
    """Store a token of the caller's; return it as lists show it.

    Raises:
        Refused: it would permit more than the caller may, or the person has too many.
    """
    scopes = caller.scopes & USUAL if wanted is None else frozenset(map(Scope, wanted))
    if not scopes or not scopes <= caller.scopes:
        raise Refused("forbidden")
    now = datetime.now(UTC)
    if sum(held.expires_at > now for held in await credentials.tokens(scope)) >= TOKENS_MAX:
        raise Refused("too_many_tokens")
    origin = await _origin(scope, caller)
    lives = timedelta(days=days)
    if origin.latest is not None:
        lives = min(lives, origin.latest - now)
    token_id = await credentials.add(
        scope, Kind.TOKEN, digest_of(token), sorted(scopes), lives, name, made_with=origin.made_with
    )
    made = await credentials.find_token(scope, token_id)
    assert made is not None, "this transaction made it"
    return made


async def _origin(scope: Transaction, caller: Caller) -> _Origin:
    expires_at = datetime.fromtimestamp(caller.expires_at, UTC)
    held = None if caller.credential_id is None else await credentials.origin(scope, caller.credential_id)
    if held is None or held.kind == Kind.TOKEN:
        return _Origin(caller.credential_id, expires_at)
    if held.made_with is not None:
        return _Origin(held.made_with, held.made_with_until)
    return _Origin(None, expires_at if held.name == BY_BEARER else None)
