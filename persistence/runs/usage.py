"""The `model_usage` table: what each model call reserved, and what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from persistence.runs import charges
from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one call, or of several added up."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    @property
    def total(self) -> int:
        """Return prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One model call of a run, as the trace shows it."""

    id: UUID
    agent_id: UUID | None
    purpose: str
    model: str
    reserved_tokens: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    estimated: bool
    outcome: str | None
    duration_ms: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Price:
    """What a call may cost: its prompt as we count it, and what its answer is allowed."""

    prompt_tokens: int
    answer_tokens: int

    @property
    def total(self) -> int:
        """Return both together."""
        return self.prompt_tokens + self.answer_tokens


@dataclass(frozen=True, slots=True)
class Cost:
    """What one model call cost, and how it ended. `estimated` says that the count is ours, not the provider's."""

    model: str
    usage: Usage
    estimated: bool
    outcome: str


_SETTLE: Final = """
    update model_usage set
        model = %(model)s, prompt_tokens = %(prompt)s, completion_tokens = %(completion)s, cached_tokens = %(cached)s,
        estimated = %(estimated)s, outcome = %(outcome)s, duration_ms = %(ms)s, settled_at = clock_timestamp()
    where id = %(id)s
"""


def settle(scope: Scope, call_id: UUID, cost: Cost, duration_ms: int, *, charged: bool = False) -> None:
    """Write down what a call cost, and have it `charged` too if it is no more than was reserved for it."""
    scope.send(
        f"with charge as ({charges.SETTLE_WITHIN}) {_SETTLE}" if charged else _SETTLE,
        {
            "id": call_id,
            "model": cost.model,
            "prompt": cost.usage.prompt_tokens,
            "completion": cost.usage.completion_tokens,
            "cached": cost.usage.cached_tokens,
            "estimated": cost.estimated,
            "outcome": cost.outcome,
            "ms": duration_ms,
            "amount": cost.usage.total,
            "moment": None,
        },
    )


def settle_open(scope: Scope, run_id: UUID) -> None:
    """Count the calls that nobody lived to settle by what was asked.

    How much of an answer came is not known, and not made up.
    """
    scope.send(
        """
        update model_usage set
            prompt_tokens = greatest(reserved_tokens - answer_tokens, 0), completion_tokens = 0, cached_tokens = 0,
            estimated = true, outcome = 'failed', settled_at = clock_timestamp()
        where run_id = %s and outcome is null
        """,
        (run_id,),
    )
    charges.settle_open(scope, run_id)


async def mark_refused(scope: Scope, run_id: UUID) -> None:
    """Keep that a run was refused a call: whatever it ends with, its budget was spent."""
    await scope.execute(
        "update runs set budget_spent_at = coalesce(budget_spent_at, clock_timestamp()) where id = %s", (run_id,)
    )


async def of_run(scope: Scope, run_id: UUID) -> list[ModelCall]:
    """Return every model call of a run, oldest first."""
    return await scope.all(
        ModelCall,
        """
        select id, agent_id, purpose, model, reserved_tokens, prompt_tokens, completion_tokens, cached_tokens,
            estimated, outcome, duration_ms, created_at
        from model_usage where run_id = %s order by created_at, id
        """,
        (run_id,),
    )


@dataclass(frozen=True, slots=True)
class Spent:
    """What the calls of one model took, in one run."""

    run_id: UUID
    model: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


async def by_model(scope: Scope, run_ids: Sequence[UUID]) -> list[Spent]:
    """Return what each model took in each of these runs so far."""
    return await scope.all(
        Spent,
        """
        select run_id, model, coalesce(sum(prompt_tokens), 0)::bigint as prompt_tokens,
            coalesce(sum(completion_tokens), 0)::bigint as completion_tokens,
            coalesce(sum(cached_tokens), 0)::bigint as cached_tokens
        from model_usage where run_id = any(%s) group by run_id, model
        """,
        (list(run_ids),),
    )


@dataclass(frozen=True, slots=True)
class SpentSince:
    """How many calls of one model there were since a moment, over all runs of the person, and what they took."""

    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


async def since(scope: Scope, moment: datetime) -> list[SpentSince]:
    """Return what each model took in calls that began at a moment or later."""
    return await scope.all(
        SpentSince,
        """
        select model, count(*) as calls, coalesce(sum(prompt_tokens), 0)::bigint as prompt_tokens,
            coalesce(sum(completion_tokens), 0)::bigint as completion_tokens,
            coalesce(sum(cached_tokens), 0)::bigint as cached_tokens
        from model_usage where created_at >= %s group by model
        """,
        (moment,),
    )


async def total(scope: Scope, run_id: UUID) -> Usage:
    """Return the tokens of a run so far."""
    return await scope.only(
        Usage,
        """
        select coalesce(sum(prompt_tokens), 0)::bigint as prompt_tokens,
            coalesce(sum(completion_tokens), 0)::bigint as completion_tokens,
            coalesce(sum(cached_tokens), 0)::bigint as cached_tokens
        from model_usage where run_id = %s
        """,
        (run_id,),
    )
