"""How many messages of a person are accepted, and what of that the client is told.

The charge is made in the transaction that accepts the message, so what is refused
or rolled back was never charged. The header fields follow draft-ietf-httpapi-ratelimit-headers.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import Final
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from persistence.runs import charges
from persistence.runs.charges import WINDOW_SECONDS, Kind, Standing
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

    def look(self, scope: Scope) -> "Spent":
        """See what the person has spent, and let nobody else charge them until the transaction ends.

        Raises:
            Refused: no minute has room for the message.
        """
        requests, tokens = self.limits.requests_per_minute, self.limits.tokens_per_minute
        if self.least_tokens > tokens:
            raise Refused("message_exceeds_budget")
        charges.hold(scope)
        asked = charges.look(scope, Kind.REQUEST, 1, requests)
        return Spent(asked, charges.look(scope, Kind.TOKEN, self.least_tokens, tokens))

    def charge(self, scope: Scope, spent: "Spent") -> "Charged":
        """Charge the person for one message, once it is known what they have spent.

        Calls under way do not count here: they may cost less than is reserved.

        Raises:
            TooMany: the last minute has no room for it.
        """
        requests, tokens = self.limits.requests_per_minute, self.limits.tokens_per_minute
        stands = spent.requests.standing
        _refuse_full(stands, "requests", "too_many_requests", requests)
        if self.least_tokens:
            _refuse_full(spent.tokens.standing, "tokens", "tokens_spent", tokens)
        charges.charge(scope, uuid4(), Kind.REQUEST, 1, stands.moment)
        more_in_seconds = ceil(stands.next_seconds) if stands.charged else WINDOW_SECONDS
        return Charged(stands.moment, fields(Quota("requests", requests, stands.charged + 1, more_in_seconds)))


@dataclass(frozen=True, slots=True)
class Spent:
    """What a person has spent of each bound; once the statements have their outcomes."""

    requests: charges.Look
    tokens: charges.Look


@dataclass(frozen=True, slots=True)
class Charged:
    """A message that is charged: at which moment of the database's clock, and what its client is told of the rest."""

    moment: datetime
    told: Mapping[str, str]


def _refuse_full(stands: Standing, name: str, code: str, most: int) -> None:
    if stands.wait_seconds > 0:
        seconds = ceil(stands.wait_seconds)
        raise TooMany(code, seconds, fields(Quota(name, most, stands.charged, seconds)))
