"""OpenTelemetry's SDK, as this product uses it. Imported only where traces are recorded.

What is sampled is decided by `sampling` before there is a span, so that an order which is not costs
nothing. Hence every span that is made is recorded.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from .sampling import Sampling

Attributes = Mapping[str, str | int | bool]

SERVICE = "flash-sale-orders"
_NOBODY = Context()  # no span around: one that begins here begins a trace


class Tracing:
    """Makes spans and exports them in batches, from a thread of its own.

    At most OTEL_BSP_MAX_QUEUE_SIZE (2,048) spans wait; what is more is dropped. An exporter that
    fails says so in the log and disturbs no request.
    """

    def __init__(self, environment: Mapping[str, str], role: str) -> None:
        """Read OTEL_*. Raises ValueError where an exporter is asked for that is not there."""
        self.sampling = Sampling.chosen(environment)
        exporters = _exporters(environment)
        resource = Resource.create(
            {
                "service.name": environment.get("OTEL_SERVICE_NAME") or SERVICE,
                "service.instance.id": f"{role}-{os.getpid()}",
                "process.pid": os.getpid(),
            }
        )
        self._provider = TracerProvider(
            resource=resource, sampler=ALWAYS_ON, shutdown_on_exit=False
        )
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("shop")

    def begin(
        self,
        name: str,
        *,
        parent: str = "",
        kind: str = "internal",
        attributes: Attributes | None = None,
        links: Sequence[str] = (),
        start_ns: int | None = None,
    ) -> Span:
        """Return a span that is to be ended by hand, whatever the sampling says.

        `parent` and `links` are traceparents, "" for none; `start_ns` are Unix nanoseconds.
        """
        return self._tracer.start_span(
            name,
            context=_context_of(parent) if parent else _NOBODY,
            kind=SpanKind[kind.upper()],
            attributes=attributes,
            links=[Link(_span_context(link)) for link in links],
            start_time=start_ns,
        )

    @contextmanager
    def span(
        self, name: str, *, parent: str = "", kind: str = "internal", attributes: Attributes
    ) -> Iterator[str]:
        """Record the block as a span, if it is sampled. Gives its traceparent, or ""."""
        if not self.sampling.takes(parent):
            yield ""
            return
        span = self.begin(name, parent=parent, kind=kind, attributes=attributes)
        token = attach(trace.set_span_in_context(span))
        try:
            yield traceparent_of(span)
        except BaseException as error:
            fail(span, error)
            raise
        finally:
            detach(token)
            span.end()

    def record(
        self,
        name: str,
        *,
        parent: str = "",
        kind: str = "internal",
        attributes: Attributes | None = None,
        links: Sequence[str] = (),
        start_ns: int,
        end_ns: int,
        error: BaseException | None = None,
    ) -> str:
        """Record what is over already, as `begin`, and return its traceparent."""
        span = self.begin(
            name, parent=parent, kind=kind, attributes=attributes, links=links, start_ns=start_ns
        )
        if error is not None:
            fail(span, error)
        span.end(end_ns)
        return traceparent_of(span)

    def name_route(self, route: str) -> None:
        """Name the span around after its route, "GET api/v1/orders/<str:order_id>"."""
        span = trace.get_current_span()
        if span is not INVALID_SPAN and span.is_recording():
            method = getattr(span, "attributes", {}).get("http.request.method", "")
            span.update_name(f"{method} /{route}")
            span.set_attribute("http.route", f"/{route}")

    def note_status(self, status: int) -> None:
        """Note how the HTTP request around was answered; from 500 on that is an error."""
        answered(trace.get_current_span(), status)

    def note_outcome(self, status: int | None, *, error: str) -> None:
        """Note how the call around went: the other side's HTTP or SMTP status, "" for no error."""
        span = trace.get_current_span()
        if status is not None:
            span.set_attribute("shop.response.status", status)
        if error:
            span.set_status(Status(StatusCode.ERROR, error))

    def close(self) -> None:
        """Export what is left, and end."""
        self._provider.shutdown()


def traceparent_of(span: Span) -> str:
    """Return the traceparent that names a span as the parent of what follows."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def answered(span: Span, status: int) -> None:
    """Note an HTTP status on the server's span; from 500 on it is an error."""
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def fail(span: Span, error: BaseException) -> None:
    """Note that a span ended with an error."""
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def _exporters(environment: Mapping[str, str]) -> list[SpanExporter]:
    names = (environment.get("OTEL_TRACES_EXPORTER") or "otlp").split(",")
    return [_exporter(name.strip(), environment) for name in names]


def _exporter(name: str, environment: Mapping[str, str]) -> SpanExporter:
    if name == "console":
        return ConsoleSpanExporter()
    if name != "otlp":
        raise ValueError(f"there is no OTEL_TRACES_EXPORTER={name}: take otlp, console or none")
    for variable in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if (protocol := environment.get(variable) or "http/protobuf") != "http/protobuf":
            raise ValueError(f"{variable}={protocol} is not installed: take http/protobuf")
    return OTLPSpanExporter()


def _context_of(traceparent: str) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(_span_context(traceparent)), _NOBODY)


def _span_context(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )
