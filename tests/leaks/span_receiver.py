"""A server that takes spans by OTLP over HTTP, and keeps them."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan

KIND: Final = "openinference.span.kind"
SENDER: Final = frozenset({"service.name", "service.version"})

Value = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True)
class Span:
    """One span as it was sent; times in nanoseconds."""

    id: bytes
    parent_id: bytes
    trace_id: bytes
    name: str
    kind: int
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Value]

    @property
    def sort(self) -> object:
        """Return what OpenInference calls its kind."""
        return self.attributes[KIND]

    def overlaps(self, other: "Span") -> bool:
        """Say whether both went on at one time."""
        return self.began < other.ended and other.began < self.ended


@dataclass
class Receiver:
    """Where it listens, everything that it was sent, and the spans in it."""

    address: str = ""
    sent: list[bytes] = field(default_factory=list[bytes])
    headers: list[str] = field(default_factory=list[str])
    spans: dict[bytes, Span] = field(default_factory=dict[bytes, Span])
    resources: list[dict[str, Value]] = field(default_factory=list[dict[str, Value]])  # who sent, each once

    def take(self, path: str, headers: str, body: bytes) -> None:
        """Keep what came."""
        assert path == "/v1/traces", path
        self.sent.append(body)
        self.headers.append(headers)
        for of_one in ExportTraceServiceRequest.FromString(body).resource_spans:
            sender = {key: value for key, value in _attributes(of_one.resource.attributes).items() if key in SENDER}
            if sender not in self.resources:
                self.resources.append(sender)
            for scope in of_one.scope_spans:
                self.spans.update({span.span_id: _span(span) for span in scope.spans})

    def named(self, name: str) -> list[Span]:
        """Return the spans whose name begins so, in the order in which they began."""
        return [span for span in self.in_order() if span.name.startswith(name)]

    def of(self, sort: str) -> list[Span]:
        """Return the spans of a kind of OpenInference's, in the order in which they began."""
        return [span for span in self.in_order() if span.sort == sort]

    def in_order(self) -> list[Span]:
        """Return all spans in the order in which they began."""
        return sorted(self.spans.values(), key=lambda span: span.began)

    def above(self, span: Span) -> list[str]:
        """Return the names of what a span is part of, the nearest first."""
        names = list[str]()
        while span.parent_id:
            span = self.spans[span.parent_id]
            names.append(span.name)
        return names

    def below(self, span: Span) -> list[Span]:
        """Return what is directly part of a span."""
        return [each for each in self.in_order() if each.parent_id == span.id]


def _span(span: SentSpan) -> Span:
    return Span(
        id=span.span_id,
        parent_id=span.parent_span_id,
        trace_id=span.trace_id,
        name=span.name,
        kind=span.kind,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        attributes=_attributes(span.attributes),
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    match value.WhichOneof("value"):
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "bool_value":
            return value.bool_value
        case "array_value":
            return tuple(each.string_value for each in value.array_value.values)
        case _:
            return value.string_value


@contextmanager
def receiving() -> Generator[Receiver]:
    """Give a server that takes everything."""
    receiver = Receiver()

    class Receiving(BaseHTTPRequestHandler):
        """Takes what comes."""

        def do_POST(self) -> None:
            """Keep what comes, and say that all of it was taken."""
            receiver.take(self.path, str(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiving)
    receiver.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
