"""What exceptions and waits mean for the one who tries again."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graph.compatible.model_failures import classify_failure, seconds_to_wait
from nodes.vocabulary.model_failure import ModelFailure


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        pytest.param(aiohttp.ClientConnectionError("canary"), "model_unavailable", True, id="refused or no DNS"),
        pytest.param(aiohttp.ClientOSError("canary"), "model_unavailable", True, id="reset"),
        pytest.param(aiohttp.ServerDisconnectedError("canary"), "model_unavailable", True, id="hung up"),
        pytest.param(aiohttp.ClientPayloadError("canary"), "model_unavailable", True, id="cut off"),
        pytest.param(ssl.SSLError("canary"), "model_unavailable", True, id="TLS"),
        pytest.param(aiohttp.ConnectionTimeoutError("canary"), "model_timeout", True, id="slow to connect"),
        pytest.param(TimeoutError("canary"), "model_timeout", True, id="our own limit"),
        pytest.param(aiohttp.NonHttpUrlClientError("canary"), "model_misconfigured", False, id="no http"),
        pytest.param(aiohttp.InvalidURL("canary"), "model_misconfigured", False, id="no address"),
        pytest.param(RuntimeError("canary"), "model_unavailable", False, id="unforeseen"),
    ],
)
def test_an_exception_says_whether_to_try_again(error: Exception, code: str, *, retryable: bool) -> None:
    """Connections and timeouts may work next time, settings do not mend themselves; no text is passed on."""
    failure = classify_failure(error)
    assert (failure.code, failure.retryable) == (code, retryable)
    assert "canary" not in str(failure)
    assert type(error).__name__ in str(failure)


def test_a_failure_stays_itself() -> None:
    """Classifying twice changes nothing."""
    failure = ModelFailure("model_refused", retryable=False, seen="HTTP 400")
    assert classify_failure(failure) is failure


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("-5", 0.0),
        ("86400", 86_400.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("Wed, 99 Foo 2015", None),
        (None, None),
    ],
)
def test_a_wait_is_read_when_it_can_be(header: str | None, seconds: float | None) -> None:
    """Seconds are taken as they are, what has passed is no wait, garbage is no answer."""
    assert seconds_to_wait(header) == seconds


def test_a_wait_until_a_moment_is_counted_from_now() -> None:
    """An HTTP date asks to wait until then."""
    seconds = seconds_to_wait(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert seconds is not None
    assert 85 < seconds <= 90


@example("0 APR 0 0:3000000000")
@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ ([A-Z]{3}|[+-]\d+)"))
def test_no_header_raises(header: str) -> None:
    """Whatever a provider writes into Retry-After, the answer is a wait or none."""
    seconds = seconds_to_wait(header)
    assert seconds is None or seconds >= 0
