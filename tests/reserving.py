"""A model call that is under way, as far as the tables know."""

from uuid import UUID

from persistence.runs import reservations
from persistence.runs.reservations import Reserving, Wanted
from persistence.runs.usage import Price
from persistence.scope import Scope

PLENTY = 1_000_000


def reserve(scope: Scope, run_id: UUID, call_id: UUID, agent_id: UUID, price: Price) -> Reserving:
    """Reserve a call of the model `deep`, with room for it whatever was spent."""
    wanted = Wanted(call_id, agent_id, "decide", "deep", price, is_last=False, is_free=False)
    return reservations.reserve(scope, run_id, wanted, calls_at_most=PLENTY, tokens_at_most=PLENTY)
