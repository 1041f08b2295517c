"""The `users` table: who may sign in, and in which time zone they live."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from persistence.pipelined import Sent
from persistence.scope import Scope

_MAY_SIGN_IN: Final = "select may_sign_in(%s)"


@dataclass(frozen=True, slots=True)
class User:
    """The person in whose name a scope acts; one whom another issuer vouches for needs no address."""

    id: UUID
    email: str | None
    time_zone: str


async def sign_up(scope: Scope, email: str, time_zone: str) -> UUID:
    """Return the user with that address, made if absent. Needs no signed-in user."""
    user_id = await scope.value(UUID, "select sign_up(%s, %s)", (email, time_zone))
    assert user_id is not None, "signing up returns an id"
    return user_id


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether somebody may sign in, on its way."""

    sent: Sent

    @property
    def is_given(self) -> bool:
        """Say whether that user exists and is not disabled; once the statement has its outcome."""
        return self.sent.first_column() is True


def look_for_permit(scope: Scope, user_id: UUID) -> Permit:
    """See whether a user may sign in. Needs no signed-in user."""
    return Permit(scope.send(_MAY_SIGN_IN, (user_id,)))


async def may_sign_in(scope: Scope, user_id: UUID) -> bool:
    """Say whether that user exists and is not disabled. Needs no signed-in user."""
    return await scope.value(bool, _MAY_SIGN_IN, (user_id,)) or False


async def of_subject(scope: Scope, issuer: str, subject: str) -> UUID | None:
    """Return whom an issuer means, unless there is nobody or they are disabled. Needs no signed-in user."""
    return await scope.value(UUID, "select user_of_subject(%s, %s)", (issuer, subject))


async def sign_up_subject(scope: Scope, issuer: str, subject: str, time_zone: str) -> UUID | None:
    """Return whom an issuer means, made if absent, unless they are disabled. Needs no signed-in user."""
    return await scope.value(UUID, "select sign_up_subject(%s, %s, %s)", (issuer, subject, time_zone))


async def me(scope: Scope) -> User | None:
    """Return the user in whose name the scope acts."""
    return await scope.one(User, "select id, email, time_zone from users")
