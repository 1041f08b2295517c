"""The `credentials` table: what we hand out for signing in, kept as digests.

An API token, a session of the web page, and the one-time link that opens one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from persistence.scope import Scope

SESSIONS_MAX: Final = 20  # of one user; the oldest give way


class Kind(StrEnum):
    """What a credential is for."""

    TOKEN = "token"  # noqa: S105 - the kind, not one of them
    SESSION = "session"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a credential, and what it lets them do until when."""

    user_id: UUID
    credential_id: UUID
    scopes: list[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as its owner sees it in a list; last used is right within ten minutes."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


async def holder(scope: Scope, kind: Kind, digest: bytes) -> Holder | None:
    """Return who holds a credential, unless it is unknown or expired, or they are disabled. Needs nobody signed in."""
    return await scope.one(Holder, "select * from holder_of(%s, %s)", (kind, digest))


async def open_session(scope: Scope, link: bytes, session: bytes, lives: timedelta) -> bool:
    """Take a one-time link and open a session for its holder; False when it was none. Needs nobody signed in."""
    return await scope.value(bool, "select open_session(%s, %s, %s)", (link, session, lives)) or False


async def add(
    scope: Scope,
    kind: Kind,
    digest: bytes,
    scopes: Sequence[str],
    lives: timedelta,
    name: str = "",
    made_with: UUID | None = None,
) -> UUID:
    """Store a credential of the scope's user, and remove what has expired and sessions beyond `SESSIONS_MAX`."""
    await scope.execute(
        """
        delete from credentials where expires_at <= clock_timestamp() or id in (
            select id from credentials where kind = 'session' order by created_at desc offset %s)
        """,
        (SESSIONS_MAX - 1,),
    )
    credential_id = await scope.value(
        UUID,
        "insert into credentials (kind, digest, scopes, expires_at, name, made_with)"
        " values (%s, %s, %s, clock_timestamp() + %s, %s, %s) returning id",
        (kind, digest, list(scopes), lives, name, made_with),
    )
    assert credential_id is not None, "an insert returns its row"
    return credential_id


async def tokens(scope: Scope) -> list[ApiToken]:
    """Return the user's API tokens, the newest first, expired ones too."""
    return await scope.all(
        ApiToken,
        "select id, name, scopes, created_at, expires_at, last_used_at from credentials"
        " where kind = 'token' order by created_at desc, id",
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """What a credential is, and the token that it was made with, if it still is there.

    Attributes:
        kind: what it is for.
        name: how it was opened, of a page's session.
        expires_at: when it ends.
        made_with: the token.
        made_with_until: when that ends.
    """

    kind: str
    name: str
    expires_at: datetime
    made_with: UUID | None
    made_with_until: datetime | None


async def origin(scope: Scope, credential_id: UUID) -> Origin | None:
    """Return what a credential of the user is; None when they have none such."""
    return await scope.one(
        Origin,
        """
        select c.kind, c.name, c.expires_at, c.made_with, parent.expires_at as made_with_until
        from credentials c left join credentials parent on parent.id = c.made_with
        where c.id = %s
        """,
        (credential_id,),
    )


async def find_token(scope: Scope, token_id: UUID) -> ApiToken | None:
    """Return an API token as its owner sees it; None when they have none such."""
    return await scope.one(
        ApiToken,
        "select id, name, scopes, created_at, expires_at, last_used_at from credentials"
        " where kind = 'token' and id = %s",
        (token_id,),
    )


async def revoke(scope: Scope, token_id: UUID) -> bool:
    """Remove an API token, and what was made with it; False when the user has none such."""
    return await scope.execute("delete from credentials where id = %s and kind = 'token'", (token_id,)) > 0


async def remove(scope: Scope, credential_id: UUID) -> bool:
    """Remove a credential, and the sessions that were opened with it; False when the user has none such."""
    return await scope.execute("delete from credentials where id = %s", (credential_id,)) > 0


async def still_holds(scope: Scope, credential_id: UUID | None) -> bool:
    """Say whether the scope's user is there, not disabled, and still has the credential, if one is named."""
    return (
        await scope.value(
            bool,
            """
            select exists (select from users where disabled_at is null)
                and (%(id)s::uuid is null or exists (select from credentials where id = %(id)s))
            """,
            {"id": credential_id},
        )
        or False
    )
