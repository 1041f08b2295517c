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

from persistence.pipelined import Sent
from persistence.scope import Scope

WINDOW_SECONDS: Final = 60
WINDOW: Final = timedelta(seconds=WINDOW_SECONDS)
CARRIED_WINDOWS_MAX: Final = 10  # how far ahead a call that went over what it reserved is charged
KEPT: Final = 5 * WINDOW  # for whoever looks


# Of a person; see `Standing`. Only when there is no room is it looked when there will be, charge by charge.
STANDING: Final = """
    with now as materialized (select coalesce(%(moment)s, clock_timestamp()) as moment),
    counted as not materialized (
        select amount, charged_at from now, charges
        where kind = %(kind)s and (charged_at is null or charged_at > moment - %(window)s)
    ), sums as materialized (
        select coalesce(sum(amount) filter (where charged_at is not null), 0)::bigint as charged,
            coalesce(sum(amount) filter (where charged_at is null), 0)::bigint as reserved,
            min(charged_at) as oldest
        from counted
    )
    select moment, charged, reserved,
        case when charged + %(wanted)s <= %(most)s then 0 else coalesce((
            select extract(epoch from max(charged_at) + %(window)s - moment) from (
                select charged_at, sum(amount) over (order by charged_at desc) as with_newer
                from counted where charged_at is not null
            ) as newest_first where with_newer + %(wanted)s > %(most)s), 0) end::float as wait_seconds,
        coalesce(extract(epoch from oldest + %(window)s - moment), 0)::float as next_seconds
    from now, sums
"""


# What a call cost that is no more than was reserved for it; harmless when that was done.
SETTLE_WITHIN: Final = """
    update charges set amount = %(amount)s, charged_at = coalesce(%(moment)s, clock_timestamp())
    where id = %(id)s and charged_at is null
"""


class Kind(StrEnum):
    """What is charged for."""

    REQUEST = "request"
    TOKEN = "token"  # noqa: S105 - of a model


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person has spent at a moment.

    Attributes:
        moment: it, by the database's clock.
        charged: in the window that ends now, and what is carried into later ones.
        reserved: for calls under way.
        wait_seconds: until what is wanted has room beside what is charged; 0 when it has.
        next_seconds: until the oldest charge leaves the window; 0 when there is none.
    """

    moment: datetime
    charged: int
    reserved: int
    wait_seconds: float
    next_seconds: float

    @property
    def used(self) -> int:
        """Return what is charged or reserved."""
        return self.charged + self.reserved


def hold(scope: Scope) -> None:
    """Let nobody else charge the person until this transaction ends.

    It is held after a run's row and before a session's.
    """
    scope.send("select hold_allowance()")


@dataclass(frozen=True, slots=True)
class Look:
    """How a person stands, seen while nobody else can charge them."""

    sent: Sent

    @property
    def standing(self) -> Standing:
        """Return how they stand; once the statement has its outcome."""
        return self.sent.rows(Standing)[0]


def look(scope: Scope, kind: Kind, wanted: int, most: int, moment: datetime | None = None) -> Look:
    """See what is spent, and how long `wanted` has to wait for room within `most`; the person has to be held.

    It is seen at a moment, which is now unless said otherwise.
    """
    sent = scope.send(
        STANDING,
        {"kind": kind, "window": WINDOW, "wanted": wanted, "most": most, "moment": moment},
    )
    return Look(sent)


def charge(scope: Scope, charge_id: UUID, kind: Kind, amount: int, moment: datetime) -> None:
    """Charge the person at a moment."""
    scope.send(
        "insert into charges (id, kind, amount, charged_at) values (%s, %s, %s, %s)", (charge_id, kind, amount, moment)
    )


async def settle(scope: Scope, call_id: UUID, amount: int, reserved: int, most: int) -> None:
    """Charge what a call cost in place of what was reserved for it; harmless when that was done.

    What goes over that is charged as far as the window has room for it, and the rest in
    windows to come, where it keeps others out: in none is more than `most` charged.
    """
    moment = None
    if amount > reserved and await _is_reserved(scope, call_id):
        hold(scope)
        seen = look(scope, Kind.TOKEN, 0, most)
        await scope.sent()
        moment = seen.standing.moment
        amount = await _within_the_window(scope, seen.standing, amount, reserved, most)
    scope.send(SETTLE_WITHIN, {"amount": amount, "moment": moment, "id": call_id})


async def _is_reserved(scope: Scope, call_id: UUID) -> bool:
    return await scope.value(bool, "select true from charges where id = %s and charged_at is null", (call_id,)) or False


def settle_open(scope: Scope, run_id: UUID) -> None:
    """Charge the calls of a run that nobody lived to settle by what was written down for them, within what was kept."""
    scope.send(
        """
        update charges set
            amount = least(amount, call.prompt_tokens + call.completion_tokens), charged_at = clock_timestamp()
        from model_usage call
        where call.id = charges.id and call.run_id = %s and charged_at is null and call.outcome is not null
        """,
        (run_id,),
    )


async def _within_the_window(scope: Scope, stands: Standing, amount: int, reserved: int, most: int) -> int:
    """Return how much of a call's cost the window holds now, and carry the rest."""
    fitting = min(amount, reserved + max(most - stands.used, 0))
    await _carry(scope, amount - fitting, max(most - (stands.reserved - reserved), 1), stands.moment)
    return fitting


async def _carry(scope: Scope, owed: int, at_once: int, moment: datetime) -> None:
    """Charge what is owed in windows of its own, behind all others, `at_once` in each; not for ever."""
    newest = await scope.value(
        datetime, "select greatest(max(charged_at), %s) from charges where kind = 'token'", (moment,)
    )
    assert newest is not None, "there is this moment"
    last = moment + CARRIED_WINDOWS_MAX * WINDOW
    while owed > 0 and (newest := newest + WINDOW) <= last:
        charge(scope, uuid4(), Kind.TOKEN, min(owed, at_once), newest)
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
