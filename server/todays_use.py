"""What a person used today, and how they stand with their limits: each number is a sum of rows."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from nodes.vocabulary.limits import Limits
from persistence.runs import charges, runs, usage
from persistence.runs.charges import WINDOW_SECONDS, Kind
from persistence.scope import Scope
from server.prices import PRICES, Cost

IN_A_MINUTE: Final = {"requests_per_minute": Kind.REQUEST, "tokens_per_minute": Kind.TOKEN}
AT_ONCE: Final = "runs_at_once"


@dataclass(frozen=True, slots=True)
class LimitUse:
    """One limit, and how much of it is used just now, where that can be said.

    Attributes:
        name: of its setting, without the prefix.
        limit: the most there may be, in the unit that the name says.
        used: how much of it is charged or under way; None for a limit of a single turn.
        window_seconds: how long what was used counts; None where it counts while it lasts.
    """

    name: str
    limit: int | float
    used: int | None
    window_seconds: int | None


@dataclass(frozen=True, slots=True)
class Today:
    """What was used since the person's midnight: runs that were accepted, model calls that began."""

    runs: int
    model_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Cost


async def today(scope: Scope, now: datetime, zone: ZoneInfo) -> Today:
    """Return what the person used today, by their own clock."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    spent = await usage.since(scope, midnight)
    return Today(
        runs=await runs.accepted_since(scope, midnight),
        model_calls=sum(of.calls for of in spent),
        prompt_tokens=sum(of.prompt_tokens for of in spent),
        completion_tokens=sum(of.completion_tokens for of in spent),
        cost=PRICES.cost(spent),
    )


async def limits_in_use(scope: Scope, limits: Limits) -> list[LimitUse]:
    """Return every limit, the person's own with what they use of it."""
    looks = {name: charges.look(scope, kind, 0, getattr(limits, name)) for name, kind in IN_A_MINUTE.items()}
    used = {AT_ONCE: await runs.at_work(scope), **{name: look.standing.used for name, look in looks.items()}}
    return [
        LimitUse(
            each.name, getattr(limits, each.name), used.get(each.name), WINDOW_SECONDS if each.name in looks else None
        )
        for each in fields(limits)
    ]
