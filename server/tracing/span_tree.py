"""The spans of one run that have begun and not ended, each under the one that it is part of."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from openinference.instrumentation import OITracer
from openinference.semconv.trace import OpenInferenceSpanKindValues as Kind
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from nodes.vocabulary.errors import TurnError
from nodes.vocabulary.model_failure import ModelFailure
from server.tracing.span_attributes import ERROR_TYPE, STEP_NUMBER, Attributes


@dataclass(slots=True)
class OpenSpan:
    """What has begun. What is not shown has the span of what it is part of, and does not end it."""

    span: Span
    in_step: bool
    is_shown: bool = True


class SpanTree:
    """Begins spans and ends them, by LangChain's ids of what runs. With the root everything ends that is still open."""

    def __init__(self, tracer: OITracer) -> None:
        self._tracer: Final = tracer
        self._open: Final[dict[UUID, OpenSpan]] = {}

    def find(self, run_id: UUID | None) -> OpenSpan | None:
        """Return what is open under an id."""
        return None if run_id is None else self._open.get(run_id)

    def begin(self, run_id: UUID, name: str, kind: Kind, above: OpenSpan | None, where: Attributes) -> Span:
        """Begin a span; without anything above it is the root of a trace of its own, whatever is around it."""
        span: Span = self._tracer.start_span(
            name,
            context=Context() if above is None else set_span_in_context(above.span),
            kind=SpanKind.CLIENT if kind is Kind.LLM else SpanKind.INTERNAL,
            attributes=where,
            openinference_span_kind=kind,
        )
        self._open[run_id] = OpenSpan(span, in_step=STEP_NUMBER in where)
        return span

    def pass_over(self, run_id: UUID, above: OpenSpan) -> None:
        """Show nothing of what began; what is part of it belongs to what it is part of itself."""
        self._open[run_id] = OpenSpan(above.span, above.in_step, is_shown=False)

    def end(self, run_id: UUID, error: BaseException | None = None) -> None:
        """End a span. Of an error it says the kind only: a text may hold a key, a statement or what a person wrote."""
        ended = self._open.pop(run_id, None)
        if ended is None or not ended.is_shown or not ended.span.is_recording():
            return
        if error is None:
            ended.span.set_status(StatusCode.OK)
        else:
            ended.span.set_attribute(ERROR_TYPE, _kind(error))
            ended.span.set_status(Status(StatusCode.ERROR, _kind(error)))
        ended.span.end()

    def end_all(self, error: BaseException | None = None) -> None:
        """End what is still open, the innermost first."""
        for run_id in reversed(list(self._open)):
            self.end(run_id, error)


def _kind(error: BaseException) -> str:
    """Return what is told of an error: our own code, else the name of its class."""
    return error.code if isinstance(error, TurnError | ModelFailure) else type(error).__name__
