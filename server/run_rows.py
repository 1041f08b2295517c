"""A run as lists show it: its row, how far its plan is, how long it took, and what it cost."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from persistence.record import plans
from persistence.runs import usage
from persistence.runs.runs import Run
from persistence.runs.usage import Spent
from persistence.scope import Scope
from server.columns import columns_of
from server.prices import PRICES, Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow(Run):
    """A run with what its other tables say of it.

    Attributes:
        steps_done: steps of its plan that succeeded; 0 of 0 when it has no plan.
        steps_total: all steps of its plan.
        duration_ms: from its acceptance to its end; None until it has ended.
        cost: of all its model calls so far.
    """

    steps_done: int
    steps_total: int
    duration_ms: int | None
    cost: Cost


async def rows_of(scope: Scope, found: Sequence[Run]) -> list[RunRow]:
    """Return these runs as rows of a list, in their order."""
    run_ids = [run.id for run in found]
    progress = {plan.run_id: (plan.steps_done, plan.steps_total) for plan in await plans.progress_of(scope, run_ids)}
    spent = defaultdict[UUID, list[Spent]](list)
    for of_model in await usage.by_model(scope, run_ids):
        spent[of_model.run_id].append(of_model)
    return [_row(run, *progress.get(run.id, (0, 0)), spent[run.id]) for run in found]


def _row(run: Run, steps_done: int, steps_total: int, spent: Sequence[Spent]) -> RunRow:
    return RunRow(
        **columns_of(run),
        steps_done=steps_done,
        steps_total=steps_total,
        duration_ms=_duration_ms(run),
        cost=PRICES.cost(spent),
    )


def _duration_ms(run: Run) -> int | None:
    if run.finished_at is None:
        return None
    return round((run.finished_at - run.created_at) / timedelta(milliseconds=1))
