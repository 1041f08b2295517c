"""The `charges` table: what a person spent in the last minute, requests and tokens alike.

A sliding log: a window ends wherever one looks, and holds what was charged less
than 60 seconds before. Whoever charges holds the person's allowance first, so
charges come one after the other over all processes, and every moment is one of
the database's clock.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

from persistence.errors import NoRoom
from persistence.scope import Scope

WINDOW_SECONDS: Final = 60
WINDOW: Final = timedelta(seconds=WINDOW_SECONDS)
CARRIED_WINDOWS_MAX: Final = 10  # how far ahead a call that went over what it reserved is charged
KEPT: Final = 5 * WINDOW  # for whoever looks


class Kind(StrEnum):
    """What is charged for."""

    REQUEST = "request"
    TOKEN = "token"  # noqa: S105 - of a model


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person has spent at a moment.

    Attributes:
        charged: in the window that ends now, and what is carried into later ones.
        reserved: for calls under way.
        wait_seconds: until what is wanted has room beside what is charged; 0 when it has.
        next_seconds: until the oldest charge leaves the window; 0 when there is none.
    """

    charged: int
    reserved: int
    wait_seconds: float
    next_seconds: float

    @property
    def used(self) -> int:
        """Return what is charged or reserved."""
        return self.charged + self.reserved


async def hold(scope: Scope) -> datetime:
    """Let nobody else charge the person until this transaction ends; return the moment from then on.

    It is held after a run's row and before a session's.
    """
    moment = await scope.value(datetime, "select hold_allowance()")
    assert moment is not None, "the clock always answers"
    return moment


async def standing(scope: Scope, kind: Kind, moment: datetime, *, wanted: int, most: int) -> Standing:
    """Return what is spent at a moment, and how long `wanted` has to wait for room within `most`."""
    return await scope.only(
        Standing,
        """
        with counted as (
            select amount, charged_at, charged_at + %(window)s - %(moment)s as leaves_in,
                sum(amount) filter (where charged_at is not null) over (order by charged_at desc) as with_newer
            from charges
            where kind = %(kind)s and (charged_at is null or charged_at > %(moment)s - %(window)s)
        )
        select
            coalesce(sum(amount) filter (where charged_at is not null), 0)::bigint as charged,
            coalesce(sum(amount) filter (where charged_at is null), 0)::bigint as reserved,
            coalesce(extract(epoch from max(leaves_in) filter (where with_newer + %(wanted)s > %(most)s)), 0)::float
                as wait_seconds,
            coalesce(extract(epoch from min(leaves_in)), 0)::float as next_seconds
        from counted
        """,
        {"kind": kind, "moment": moment, "window": WINDOW, "wanted": wanted, "most": most},
    )


async def charge(scope: Scope, charge_id: UUID, kind: Kind, amount: int, moment: datetime | None) -> None:
    """Charge the person at a moment; at none, reserve."""
    await scope.execute(
        "insert into charges (id, kind, amount, charged_at) values (%s, %s, %s, %s)", (charge_id, kind, amount, moment)
    )


async def reserve(scope: Scope, call_id: UUID, tokens: int, most: int) -> None:
    """Reserve what a model call may cost, within `most` tokens in any window.

    Raises:
        NoRoom: this window has none, beside what is charged and reserved.
    """
    moment = await hold(scope)
    stands = await standing(scope, Kind.TOKEN, moment, wanted=tokens, most=most)
    if stands.used + tokens > most:
        raise NoRoom(stands.wait_seconds)
    await charge(scope, call_id, Kind.TOKEN, tokens, None)


async def settle(scope: Scope, call_id: UUID, amount: int, most: int) -> None:
    """Charge what a call cost in place of what was reserved for it; harmless when that was done.

    What goes over that is charged as far as the window has room for it, and the rest in
    windows to come, where it keeps others out: in none is more than `most` charged.
    """
    reserved = await scope.value(int, "select amount from charges where id = %s and charged_at is null", (call_id,))
    moment = None
    if reserved is not None and amount > reserved:
        moment = await hold(scope)
        amount = await _within_the_window(scope, moment, amount, reserved, most)
    await scope.execute(
        """
        update charges set amount = %s, charged_at = coalesce(%s, clock_timestamp())
        where id = %s and charged_at is null
        """,
        (amount, moment, call_id),
    )


async def settle_open(scope: Scope, run_id: UUID) -> None:
    """Charge the calls of a run that nobody lived to settle by what was written down for them, within what was kept."""
    await scope.execute(
        """
        update charges set
            amount = least(amount, call.prompt_tokens + call.completion_tokens), charged_at = clock_timestamp()
        from model_usage call
        where call.id = charges.id and call.run_id = %s and charged_at is null and call.outcome is not null
        """,
        (run_id,),
    )


async def _within_the_window(scope: Scope, moment: datetime, amount: int, reserved: int, most: int) -> int:
    """Return how much of a call's cost the window holds now, and carry the rest."""
    stands = await standing(scope, Kind.TOKEN, moment, wanted=0, most=most)
    fitting = min(amount, reserved + max(most - stands.used, 0))
    await _carry(scope, amount - fitting, max(most - (stands.reserved - reserved), 1), moment)
    return fitting


async def _carry(scope: Scope, owed: int, at_once: int, moment: datetime) -> None:
    """Charge what is owed in windows of its own, behind all others, `at_once` in each; not for ever."""
    newest = await scope.value(
        datetime, "select greatest(max(charged_at), %s) from charges where kind = 'token'", (moment,)
    )
    assert newest is not None, "there is this moment"
    last = moment + CARRIED_WINDOWS_MAX * WINDOW
    while owed > 0 and (newest := newest + WINDOW) <= last:
        await charge(scope, uuid4(), Kind.TOKEN, min(owed, at_once), newest)
        owed -= at_once


async def expire(scope: Scope) -> int:
    """Delete the charges that no window holds, of all people, and mend what cannot be; return how many of these."""
    return (
        await scope.value(
            int,
            "select expire_charges(clock_timestamp() - %s, clock_timestamp() + %s)",
            (KEPT, (CARRIED_WINDOWS_MAX + 1) * WINDOW),
        )
        or 0
    )
