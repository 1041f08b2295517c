"""What tokens cost: a dated table of prices, `prices.json`, and sums by it.

Amounts are decimal and exact. A model that is not in the table has no known price, and a
sum in which one of its tokens counts is not known either: nothing is guessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

MILLION: Final = 1_000_000


class Tokens(Protocol):
    """What a model took: in one call, or in several added up. None while a call is under way."""

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def prompt_tokens(self) -> int | None:
        """All that it was asked with."""
        ...

    @property
    def cached_tokens(self) -> int | None:
        """What of the prompt it had seen before."""
        ...

    @property
    def completion_tokens(self) -> int | None:
        """What it answered with."""
        ...


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost; `amount` is a decimal number as text, None when a price is not known."""

    amount: str | None
    currency: str
    as_of: date


class _Price(BaseModel):
    """Prices of a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Decimal
    cached: Decimal
    completion: Decimal


class PriceTable(BaseModel):
    """The prices of models by their names, as they were on a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str
    as_of: date
    sources: dict[str, str]
    per_million_tokens: dict[str, _Price]

    def cost(self, spent: Iterable[Tokens]) -> Cost:
        """Return what all of it costs together."""
        amounts = [self._amount(tokens) for tokens in spent]
        known = [amount for amount in amounts if amount is not None]
        total = sum(known, Decimal()) if len(known) == len(amounts) else None
        return Cost(None if total is None else _plain(total), self.currency, self.as_of)

    def _amount(self, spent: Tokens) -> Decimal | None:
        prompt, completion = spent.prompt_tokens or 0, spent.completion_tokens or 0
        if not prompt and not completion:
            return Decimal()
        price = self.per_million_tokens.get(spent.model)
        if price is None:
            return None
        cached = spent.cached_tokens or 0
        asked = (prompt - cached) * price.prompt + cached * price.cached
        return (asked + completion * price.completion) / MILLION


def _plain(amount: Decimal) -> str:
    """Return an amount without an exponent and without zeros that say nothing."""
    return f"{amount.normalize():f}"


PRICES: Final = PriceTable.model_validate_json(files("server").joinpath("prices.json").read_bytes())
