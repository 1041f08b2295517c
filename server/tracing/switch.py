"""What the environment says of OpenTelemetry, by its own standard variables. Nothing of it is imported here."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

EXTRA: Final = ("openinference", "opentelemetry.sdk", "opentelemetry.exporter")
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORTERS: Final = "OTEL_TRACES_EXPORTER"
DISABLED: Final = "OTEL_SDK_DISABLED"
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"
SHOWS_TEXTS: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
SHOWING: Final = frozenset({"true", "span_only", "span_and_event"})


def switches(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that have spans sent out; none when they are not.

    An endpoint is enough. Without one, `otlp` as the exporter means the usual one of this machine; any other
    exporter, such as `none`, and a switched-off SDK mean that nothing is sent whatever else is set.
    """
    if environment.get(DISABLED, "").strip().lower() == "true":
        return []
    exporters = {name.strip() for name in environment.get(EXPORTERS, "").split(",")} - {""}
    if exporters and "otlp" not in exporters:
        return []
    return [name for name in (EXPORTERS, *ENDPOINTS) if environment.get(name, "").strip()]


def shows_texts(environment: Mapping[str, str]) -> bool:
    """Say whether spans hold what people and models wrote. By the conventions they do not unless it is asked for."""
    return environment.get(SHOWS_TEXTS, "").strip().lower() in SHOWING


def has_extra() -> bool:
    """Say whether the libraries of the extra `otel` are installed. LangSmith's brings `opentelemetry` itself."""
    return all(find_spec(name) is not None for name in EXTRA)
