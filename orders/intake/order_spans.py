"""The spans of orders on their way through the intake. Off or not sampled, there are none."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from inventory.reservation import Reservation
from orders.domain import OrderRecord, format_order_id
from shop.core.tracing import process

if TYPE_CHECKING:
    from opentelemetry.trace import Span

NAME = "POST /api/v1/orders"
_REQUEST = {
    "http.request.method": "POST",
    "http.route": "/api/v1/orders",
    "url.path": "/api/v1/orders",
}


def order_begun(traceparent: str) -> "Span | None":
    """Begin the span of an order whose caller gave `traceparent`; None where it is not sampled."""
    active = process.active
    if active is None or not active.sampling.takes(traceparent):
        return None
    return active.begin(NAME, parent=traceparent, kind="server", attributes=_REQUEST)


def traceparent_of(span: "Span") -> str:
    """Return the traceparent that a sampled order travels on with."""
    from shop.core.tracing.otel import traceparent_of

    return traceparent_of(span)


def order_answered(span: "Span", record: OrderRecord, *, outcome: str, status: int) -> None:
    """End an order's span: `outcome` as in the metrics, `status` as in the HTTP response."""
    from shop.core.tracing.otel import answered

    span.set_attributes(
        {
            "shop.sale": record.sale,
            "shop.request_id": record.http_request_id,
            "shop.outcome": outcome,
        }
    )
    if outcome == "accepted":  # only then there is an order of this id
        span.set_attribute("shop.order_id", format_order_id(record.order_id))
    answered(span, status)
    span.end()


def batch_decided(sale: str, batch: Sequence[Reservation], start_ns: int) -> None:
    """Record a script call that has just ended, for each sampled order that was in it.

    `start_ns` are Unix nanoseconds.
    """
    if (active := process.active) is None:
        return
    end_ns = time.time_ns()
    facts: dict[str, str | int] = {
        "db.system.name": "redis",
        "shop.sale": sale,
        "shop.batch.orders": len(batch),
    }
    for reservation in batch:
        if reservation.traceparent:
            active.record(
                "EVALSHA reserve.lua",
                parent=reservation.traceparent,
                kind="client",
                attributes=facts,
                start_ns=start_ns,
                end_ns=end_ns,
            )
