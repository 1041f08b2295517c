"""Which failures of a model call are which, and which may be tried again.

429, 5xx, broken connections and timeouts pass; every other refusal (400, 401,
403, 404 …) would be refused again. LangGraph's own `default_retry_on` retries
400 and 401, does not retry `TimeoutError` and ignores Retry-After.
"""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from pydantic import JsonValue

from nodes.vocabulary.model_failure import ModelFailure

_SETUP_STATUSES: Final = frozenset({401, 402, 403, 404, 405})  # a wrong key, an empty account, a wrong address or name
_PASSING_STATUSES: Final = frozenset({409, 425})  # the provider's own state is in the way, not our request
_TIMEOUT_STATUSES: Final = frozenset({408, 504})


def classify_failure(error: Exception) -> ModelFailure:
    """Return what an exception of a model call means for whoever wants to try again."""
    if isinstance(error, ModelFailure):
        return error
    seen = type(error).__name__
    if isinstance(error, TimeoutError):
        return ModelFailure("model_timeout", retryable=True, seen=seen)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return ModelFailure("model_misconfigured", retryable=False, seen=seen)
    if isinstance(error, aiohttp.ClientError | OSError):
        return ModelFailure("model_unavailable", retryable=True, seen=seen)
    return ModelFailure("model_unavailable", retryable=False, seen=seen)


def failure_of_status(status: int, *, retry_after_seconds: float | None = None) -> ModelFailure:
    """Return what an HTTP status means, also one written inside a body."""
    seen = f"HTTP {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ModelFailure("model_rate_limited", retryable=True, retry_after_seconds=retry_after_seconds, seen=seen)
    if status in _TIMEOUT_STATUSES:
        return ModelFailure("model_timeout", retryable=True, retry_after_seconds=retry_after_seconds, seen=seen)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING_STATUSES:
        return ModelFailure("model_unavailable", retryable=True, retry_after_seconds=retry_after_seconds, seen=seen)
    if status in _SETUP_STATUSES or status < HTTPStatus.BAD_REQUEST:
        return ModelFailure("model_misconfigured", retryable=False, seen=seen)
    return ModelFailure("model_refused", retryable=False, seen=seen)


def failure_in_body(problem: JsonValue) -> ModelFailure:
    """Return what the `error` of a body sent with status 200 means.

    Gateways put the real status into `code`; without one the provider is taken
    to be in trouble, which may pass.
    """
    code = problem.get("code") if isinstance(problem, dict) else None
    if isinstance(code, int) and HTTPStatus.BAD_REQUEST <= code <= 599:  # noqa: PLR2004
        return failure_of_status(code)
    if code == "rate_limit_exceeded":
        return failure_of_status(HTTPStatus.TOO_MANY_REQUESTS)
    return unusable("error in the body")


def unusable(seen: str) -> ModelFailure:
    """Return the failure of an answer that arrived and cannot be read."""
    return ModelFailure("model_unavailable", retryable=True, seen=seen)


def seconds_to_wait(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, None when it says nothing readable."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        return _seconds_until(header)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _seconds_until(http_date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(http_date)
    except (ValueError, OverflowError):  # the second: of a number that no C integer holds
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
