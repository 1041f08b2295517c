"""Reserving what a model call may cost: within the run's bounds and the person's last minute, all in one statement.

It looks at both, and writes the call down with its charge only if it may start. So
nothing is waited for in between, while the run's row and the person's are held.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from persistence.pipelined import Sent
from persistence.runs import charges
from persistence.runs.charges import WINDOW, Kind
from persistence.runs.usage import Price
from persistence.scope import Scope

_RESERVE: Final = f"""
    with so_far as materialized (
        select (select count(*) from model_usage where run_id = runs.id) as calls,
            budget_spent_at is not null as was_refused, cancel_requested_at is not null as is_to_stop
        from runs where id = %(run)s
    ), spent as materialized (
        {charges.STANDING}
    ), admitted as materialized (
        select from so_far, spent
        where calls < %(calls_at_most)s and (not was_refused or %(is_last)s) and not is_to_stop
            and (%(is_free)s or charged + reserved + %(wanted)s <= %(most)s)
    ), call as (
        insert into model_usage (id, run_id, agent_id, purpose, model, reserved_tokens, answer_tokens)
        select %(id)s, %(run)s, %(agent)s, %(purpose)s, %(model)s, %(wanted)s, %(answer)s from admitted
    ), charge as (
        insert into charges (id, kind, amount) select %(id)s, %(kind)s, %(wanted)s from admitted where not %(is_free)s
    )
    select calls, was_refused, is_to_stop, exists (select from admitted) as admitted, wait_seconds from so_far, spent
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that wants to start: one that `is_last` though the run was refused another, a free one at no cost."""

    id: UUID
    agent_id: UUID
    purpose: str
    model: str
    price: Price
    is_last: bool
    is_free: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may start, and what stands against it; `wait_seconds` is until there may be room for it.

    A cancel waits for the run's row, which the fence of this transaction holds: a
    call that is admitted here started before the cancel was acknowledged.
    """

    calls: int
    was_refused: bool
    is_to_stop: bool
    admitted: bool
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class Reserving:
    """A reservation on its way."""

    sent: Sent

    @property
    def verdict(self) -> Verdict:
        """Return what came of it; once the statement has its outcome."""
        return self.sent.rows(Verdict)[0]


def reserve(scope: Scope, run_id: UUID, wanted: Wanted, *, calls_at_most: int, tokens_at_most: int) -> Reserving:
    """Write down that a call is about to start, and charge the person what it may cost, if it may start.

    Args:
        scope: a transaction that passed the run's fence.
        run_id: the run.
        wanted: the call.
        calls_at_most: how many calls the run may make.
        tokens_at_most: how many tokens the person may spend in a minute.
    """
    if not wanted.is_free:
        charges.hold(scope)
    params: dict[str, Any] = {
        "run": run_id,
        "id": wanted.id,
        "agent": wanted.agent_id,
        "purpose": wanted.purpose,
        "model": wanted.model,
        "answer": wanted.price.answer_tokens,
        "is_last": wanted.is_last,
        "is_free": wanted.is_free,
        "calls_at_most": calls_at_most,
        "kind": Kind.TOKEN,
        "window": WINDOW,
        "wanted": wanted.price.total,
        "most": tokens_at_most,
        "moment": None,
    }
    return Reserving(scope.send(_RESERVE, params))
