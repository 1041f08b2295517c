"""The table of prices, and sums by it."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from graph.offline.model import MODEL_NAME
from graph.replay.recorded_model import MODEL_NAME as RECORDED
from persistence.runs.usage import Spent
from server.prices import PRICES, Cost
from server.settings import DEEPSEEK_EXECUTOR, DEEPSEEK_PLANNER


def spent(model: str, prompt: int, completion: int, cached: int = 0) -> Spent:
    """Return what a model took."""
    return Spent(UUID(int=0), model, prompt, completion, cached)


def amount(*of_models: Spent) -> str | None:
    """Return what all of it costs."""
    return PRICES.cost(of_models).amount


def test_a_cost_is_exact() -> None:
    """Tokens that were seen before cost their own price, and nothing is rounded."""
    price = PRICES.per_million_tokens[DEEPSEEK_PLANNER]
    told = amount(spent(DEEPSEEK_PLANNER, 1001, 7, 13))
    assert told is not None
    assert Decimal(told) * 1_000_000 == 988 * price.prompt + 13 * price.cached + 7 * price.completion
    assert amount(spent(DEEPSEEK_PLANNER, 1_000_000, 0)) == f"{price.prompt.normalize():f}"


def test_an_amount_is_written_out() -> None:
    """The smallest amount has no exponent, and nothing costs “0”."""
    assert amount(spent("deepseek-flash", 1, 0, 1)) == "0.000000006"
    assert amount() == "0"


def test_costs_add_up() -> None:
    """What several models took costs the sum."""
    calls = [spent(DEEPSEEK_PLANNER, 700, 30), spent(DEEPSEEK_EXECUTOR, 900, 20, 800)]
    together = amount(*calls)
    assert together is not None
    assert Decimal(together) == sum(Decimal(amount(call) or "NaN") for call in calls)


@pytest.mark.parametrize("model", [MODEL_NAME, RECORDED])
def test_what_nobody_pays_for_is_free(model: str) -> None:
    """The built-in model costs nothing, nor does what a record says again; and that is known."""
    assert amount(spent(model, 5000, 300)) == "0"


@pytest.mark.parametrize("model", ["gpt-unheard-of", "DeepSeek-V4-Pro", "deepseek-v4-pro ", ""])
def test_what_is_not_known_is_not_guessed(model: str) -> None:
    """A model that is not in the table, by exactly that name, makes the whole sum unknown; not if it took nothing."""
    assert amount(spent(model, 1, 0)) is None
    assert amount(spent(MODEL_NAME, 5, 5), spent(model, 0, 1)) is None
    assert amount(spent(MODEL_NAME, 5, 5), spent(model, 0, 0)) == "0"


def test_a_cost_says_of_which_day_its_prices_are() -> None:
    """Currency and day come with every amount, and every price has a source."""
    assert PRICES.cost([]) == Cost("0", "USD", PRICES.as_of)
    assert PRICES.as_of > date(2026, 1, 1)
    named = {model.partition("-")[0] for model in PRICES.per_million_tokens if model not in {MODEL_NAME, RECORDED}}
    assert named == set(PRICES.sources)
