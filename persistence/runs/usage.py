"""The `model_usage` table: what each model call reserved, and what it cost."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from persistence.errors import CancelRequested
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


async def reserve(scope: Scope, run_id: UUID, agent_id: UUID, purpose: str, model: str, price: Price) -> UUID:
    """Write down that a call is about to start, and what it may cost.

    A cancel waits for the run's row, which the fence of this transaction holds:
    a call that is let through here started before the cancel was acknowledged.

    Raises:
        CancelRequested: the run is to be stopped.
    """
    call_id = await scope.value(
        UUID,
        """
        insert into model_usage (run_id, agent_id, purpose, model, reserved_tokens, answer_tokens)
        select id, %s, %s, %s, %s, %s from runs where id = %s and cancel_requested_at is null
        returning id
        """,
        (agent_id, purpose, model, price.total, price.answer_tokens, run_id),
    )
    if call_id is None:
        raise CancelRequested
    return call_id


async def settle(
    scope: Scope, call_id: UUID, model: str, usage: Usage, *, estimated: bool, outcome: str, duration_ms: int
) -> None:
    """Write down what a call cost. `estimated` says that the count is ours, not the provider's."""
    await scope.execute(
        """
        update model_usage set
            model = %s, prompt_tokens = %s, completion_tokens = %s, cached_tokens = %s,
            estimated = %s, outcome = %s, duration_ms = %s, settled_at = clock_timestamp()
        where id = %s
        """,
        (
            model,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cached_tokens,
            estimated,
            outcome,
            duration_ms,
            call_id,
        ),
    )


async def settle_open(scope: Scope, run_id: UUID) -> None:
    """Count the calls that nobody lived to settle by what was asked.

    How much of an answer came is not known, and not made up.
    """
    await scope.execute(
        """
        update model_usage set
            prompt_tokens = greatest(reserved_tokens - answer_tokens, 0), completion_tokens = 0, cached_tokens = 0,
            estimated = true, outcome = 'failed', settled_at = clock_timestamp()
        where run_id = %s and outcome is null
        """,
        (run_id,),
    )
    await charges.settle_open(scope, run_id)


async def mark_refused(scope: Scope, run_id: UUID) -> None:
    """Keep that a run was refused a call: whatever it ends with, its budget was spent."""
    await scope.execute(
        "update runs set budget_spent_at = coalesce(budget_spent_at, clock_timestamp()) where id = %s", (run_id,)
    )


async def was_refused(scope: Scope, run_id: UUID) -> bool:
    """Say whether a run was refused a call."""
    return await scope.value(bool, "select budget_spent_at is not null from runs where id = %s", (run_id,)) or False


async def count(scope: Scope, run_id: UUID) -> int:
    """Return how many model calls a run has made."""
    return await scope.value(int, "select count(*) from model_usage where run_id = %s", (run_id,)) or 0


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
