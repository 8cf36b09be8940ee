"""The spans of deliveries, in the traces of the requests that placed the orders."""

from collections.abc import Iterator
from contextlib import contextmanager

from shop.core.tracing import process
from shop.core.tracing.traceparent import is_sampled

from .event_payload import EventPayload
from .outcomes import Delivered, Outcome


@contextmanager
def delivery(payload: EventPayload, *, channel: str, attempt: int = 1) -> Iterator[str]:
    """Record one attempt to deliver an event.

    Gives the traceparent to pass on: the span's own, else the order's as it came, so that the trace
    stays in one piece; "" where the order has none.
    """
    traceparent = payload.traceparent or ""
    if process.active is None or not is_sampled(traceparent):
        yield traceparent
        return
    facts: dict[str, str | int] = {
        "shop.order_id": str(payload.order_id),
        "shop.sale": payload.sale,
        "shop.event_id": payload.event_id,
        "shop.attempt": attempt,
    }
    name = f"{channel} {payload.type.value}"
    with process.span(name, parent=traceparent, kind="client", attributes=facts) as own:
        yield own or traceparent


def noted(outcome: Outcome) -> Outcome:
    """Note what became of an attempt on the span around, and return it."""
    if process.active is not None:
        status = getattr(outcome, "status", None)
        process.active.note_outcome(
            status, error="" if isinstance(outcome, Delivered) else getattr(outcome, "error", "")
        )
    return outcome
