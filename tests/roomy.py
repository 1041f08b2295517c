"""Limits for whatever is not about limits: a test or a measurement sends more in a minute than a person does."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from nodes.vocabulary.limits import Limits

REQUESTS: Final = 100_000
TOKENS: Final = 1_000_000_000
ROOMY: Final = Limits(requests_per_minute=REQUESTS, tokens_per_minute=TOKENS)
ROOMY_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PLANWRIGHT_LIMIT_REQUESTS_PER_MINUTE": str(REQUESTS),
        "PLANWRIGHT_LIMIT_TOKENS_PER_MINUTE": str(TOKENS),
    }
)
