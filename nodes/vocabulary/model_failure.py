"""A model call that brought no answer, in words the nodes may know.

Nodes never see an HTTP client or a vendor's exception: whoever calls a provider
turns what went wrong into a `ModelFailure`, and the retry rule reads only that.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

ModelFailureCode = Literal[
    "model_rate_limited",
    "model_unavailable",
    "model_timeout",
    "model_refused",
    "model_misconfigured",
]

_SENTENCES: Final[Mapping[ModelFailureCode, str]] = MappingProxyType(
    {
        "model_rate_limited": "The model provider asks us to slow down.",
        "model_unavailable": "The model provider did not give a usable answer.",
        "model_timeout": "The model took too long to answer.",
        "model_refused": "The model provider refused this request.",
        "model_misconfigured": "The model is not set up correctly: check its key, name and address.",
    }
)


class ModelFailure(Exception):
    """A model call failed.

    Its text never holds a key, an address or a provider's words: those may carry
    secrets or another person's text, and this text reaches logs and traces.

    Attributes:
        code: what happened, part of the wire format.
        retryable: whether the same call may succeed when made again.
        retry_after_seconds: how long the provider asked us to wait, if it did.
        seen: the HTTP status or the kind of exception, for the operator's log.
    """

    def __init__(
        self,
        code: ModelFailureCode,
        *,
        retryable: bool,
        retry_after_seconds: float | None = None,
        seen: str = "",
    ) -> None:
        super().__init__(f"{_SENTENCES[code]} ({seen})" if seen else _SENTENCES[code])
        self.code: Final = code
        self.retryable: Final = retryable
        self.retry_after_seconds: Final = retry_after_seconds
        self.seen: Final = seen
