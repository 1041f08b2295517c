"""How many messages of a person are accepted, and what of that the client is told.

The charge is made in the transaction that accepts the message, so what is refused
or rolled back was never charged. The header fields follow draft-ietf-httpapi-ratelimit-headers.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Final
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from persistence.runs import charges
from persistence.runs.charges import WINDOW_SECONDS, Kind
from persistence.scope import Scope
from server.refusals import Refused, TooMany

_turns: Final = WeakValueDictionary[tuple[int, UUID], asyncio.Lock]()


def turn_of(database: Database, user_id: UUID) -> asyncio.Lock:
    """Return what one request of a person in this process holds while it is accepted.

    They would wait for each other in the database, each on a connection that others need.
    """
    return _turns.setdefault((id(database), user_id), asyncio.Lock())


@dataclass(frozen=True, slots=True)
class Quota:
    """One bound as a client sees it: how much is left, and in how many seconds there is more."""

    name: str
    most: int
    used: int
    more_in_seconds: int

    @property
    def policy(self) -> str:
        """Return the bound as an item of `RateLimit-Policy`."""
        return f'"{self.name}";q={self.most};w={WINDOW_SECONDS}'

    @property
    def state(self) -> str:
        """Return where it stands as an item of `RateLimit`."""
        return f'"{self.name}";r={max(self.most - self.used, 0)};t={self.more_in_seconds}'


def fields(*quotas: Quota) -> dict[str, str]:
    """Return the header fields that tell of these bounds."""
    return {
        "RateLimit-Policy": ", ".join(quota.policy for quota in quotas),
        "RateLimit": ", ".join(quota.state for quota in quotas),
    }


@dataclass(frozen=True, slots=True)
class Rate:
    """What a person may spend in any minute, and what a message takes of it.

    `least_tokens` is what the first model call of its run reserves at least; 0 when the model is free.
    """

    limits: Limits = field(default_factory=Limits)
    least_tokens: int = 0

    async def hold(self, scope: Scope) -> "Allowance":
        """Let nobody else charge the person until the transaction ends."""
        return Allowance(scope, await charges.hold(scope), self)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a person has left at a moment, held by a transaction."""

    scope: Scope
    moment: datetime
    rate: Rate

    async def admit(self) -> None:
        """Look whether there is room for one more message.

        Calls under way do not count here: they may cost less than is reserved for them.

        Raises:
            TooMany: the last minute has no room for it.
            Refused: no minute has.
        """
        limits, least_tokens = self.rate.limits, self.rate.least_tokens
        if least_tokens > limits.tokens_per_minute:
            raise Refused("message_exceeds_budget")
        await self._admit(Kind.REQUEST, "requests", "too_many_requests", 1, limits.requests_per_minute)
        if least_tokens:
            await self._admit(Kind.TOKEN, "tokens", "tokens_spent", least_tokens, limits.tokens_per_minute)

    async def _admit(self, kind: Kind, name: str, code: str, wanted: int, most: int) -> None:
        stands = await charges.standing(self.scope, kind, self.moment, wanted=wanted, most=most)
        if stands.wait_seconds > 0:
            seconds = ceil(stands.wait_seconds)
            raise TooMany(code, seconds, fields(Quota(name, most, stands.charged, seconds)))

    async def charge(self) -> dict[str, str]:
        """Charge the person for a message; return what its client is told."""
        await charges.charge(self.scope, uuid4(), Kind.REQUEST, 1, self.moment)
        most = self.rate.limits.requests_per_minute
        stands = await charges.standing(self.scope, Kind.REQUEST, self.moment, wanted=1, most=most)
        return fields(Quota("requests", most, stands.charged, ceil(stands.next_seconds)))
