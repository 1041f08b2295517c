"""Spans sent by OTLP over HTTP, so that it can slow nothing down and hold nothing up.

They wait in a queue that is bounded and are sent by a thread of its own; what has no room is dropped. When the
program stops, what is left is sent for some seconds at most, and the threads end with the process.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Final

from openinference.instrumentation import TraceConfig, TracerProvider
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from graph.turn import Listeners
from server import __version__
from server.tracing.span_handler import RUN, SpanHandler
from server.tracing.switch import PROTOCOLS, SPOKEN, shows_texts

FLUSHED_WITHIN_SECONDS: Final = 3.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def exporting() -> AsyncGenerator[Listeners]:
    """Give who listens to runs and sends them where the standard variables say.

    The provider of spans is OpenInference's, which leaves room for as many attributes as a long conversation takes.
    """
    for name in PROTOCOLS:
        if (wanted := os.environ.get(name, SPOKEN)) != SPOKEN:
            log.warning("%s asks for %s: spans are sent by %s all the same", name, wanted, SPOKEN)
    config = trace_config()
    provider = TracerProvider(config=config, resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("planwright", __version__)
    try:
        yield lambda request: [SpanHandler(tracer, config, request)]
    finally:
        last = Thread(target=provider.shutdown, daemon=True)
        last.start()
        await asyncio.to_thread(last.join, FLUSHED_WITHIN_SECONDS)


def trace_config() -> TraceConfig:
    """Return what spans show: texts only when they are asked for, and then without what OPENINFERENCE_HIDE_… hides."""
    hidden = None if shows_texts(os.environ) else True
    return TraceConfig(hide_inputs=hidden, hide_outputs=hidden, enable_genai_semconv=True)


def _resource() -> Resource:
    """Return who sends: the name that OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES give, else our own."""
    given = OTELResourceDetector().detect().attributes
    return Resource.create({SERVICE_NAME: given.get(SERVICE_NAME, RUN), SERVICE_VERSION: __version__})
