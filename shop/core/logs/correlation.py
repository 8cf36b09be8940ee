"""Which request, order, task and trace the work at hand belongs to: fields of its log lines."""

import contextvars
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from structlog.contextvars import bound_contextvars

from shop.core.tracing.traceparent import sane_traceparent, trace_id_of

_asking: contextvars.ContextVar[Mapping[str, str] | None] = contextvars.ContextVar(
    "asking", default=None
)


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Give every log line of the block these fields (`log_lines.FIELDS`), as far as they are known.

    They go along into tasks of the event loop, and into threads that copy the context.
    """
    with bound_contextvars(**{name: str(value) for name, value in fields.items() if value}):
        yield


@contextmanager
def request(*, request_id: str, traceparent: str) -> Iterator[None]:
    """Do the block's work for an HTTP request; tasks that it asks for are told so."""
    asking = {"request_id": request_id} | ({"traceparent": traceparent} if traceparent else {})
    token = _asking.set(asking)
    try:
        with about(request_id=request_id, trace_id=trace_id_of(traceparent)):
            yield
    finally:
        _asking.reset(token)


def message_headers() -> Mapping[str, str] | None:
    """Return what a task's message says of the HTTP request that asks for it; None without one.

    A task does not hand that on: what asks for its own successor would never leave the trace.
    """
    return _asking.get()


def traceparent_of(message: Mapping[str, object]) -> str:
    """Return the trace that a task's message says it belongs to, "" for none."""
    return sane_traceparent(str(message.get("traceparent") or "").encode("ascii", "replace"))
