"""Which variables have spans sent out, and which show texts."""

import pytest

from server.tracing.switch import shows_texts, switches

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
OF_TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
EXPORTER = "OTEL_TRACES_EXPORTER"


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        pytest.param({}, [], id="nothing is said"),
        pytest.param({ENDPOINT: "http://otel:4318"}, [ENDPOINT], id="an endpoint is enough"),
        pytest.param({OF_TRACES: "http://otel:4318/v1/traces"}, [OF_TRACES], id="so is one of traces"),
        pytest.param({EXPORTER: "otlp"}, [EXPORTER], id="the usual endpoint"),
        pytest.param({EXPORTER: "console, otlp", ENDPOINT: "http://a"}, [EXPORTER, ENDPOINT], id="one of several"),
        pytest.param({EXPORTER: "none", ENDPOINT: "http://a"}, [], id="no exporter"),
        pytest.param({EXPORTER: "zipkin", ENDPOINT: "http://a"}, [], id="an exporter that we have not"),
        pytest.param({"OTEL_SDK_DISABLED": "True", ENDPOINT: "http://a"}, [], id="switched off"),
        pytest.param({"OTEL_SDK_DISABLED": "false", ENDPOINT: "http://a"}, [ENDPOINT], id="not switched off"),
        pytest.param({ENDPOINT: " "}, [], id="an empty endpoint is none"),
    ],
)
def test_what_switches_spans_on(environment: dict[str, str], on: list[str]) -> None:
    """The standard variables do, by their own rules; the ones that do are named."""
    assert switches(environment) == on


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", False), ("false", False), ("event_only", False), ("true", True), ("SPAN_ONLY", True), ("no", False)],
)
def test_texts_are_shown_only_when_they_are_asked_for(value: str, *, shown: bool) -> None:
    """The variable of the GenAI conventions, in its older and its newer words."""
    assert shows_texts({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": value}) is shown
