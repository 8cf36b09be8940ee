"""Orders that hold stock until they are paid: PostgreSQL."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from orders.domain import Status
from orders.models import Order, PaymentNotice

from .context import ScrapeContext
from .families import gauge
from .postgresql import COUNTED_EXACTLY, count


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how many there are, and which of them should have ended; by the index of their ends."""
    holding = Order.objects.filter(status=Status.AWAITING_PAYMENT)
    overdue = holding.filter(hold_expires_at__lt=context.now)
    first = overdue.order_by("hold_expires_at").values_list("hold_expires_at", flat=True).first()
    yield gauge(
        "shop_holds",
        f"Orders that hold stock and are not paid; above {COUNTED_EXACTLY} an estimate.",
        [],
        [(count(holding),)],
    )
    yield gauge(
        "shop_holds_overdue",
        f"Of these, those whose hold is over; above {COUNTED_EXACTLY} an estimate.",
        [],
        [(count(overdue),)],
    )
    yield gauge(
        "shop_hold_overdue_seconds",
        "How long the most overdue hold should have ended ago.",
        [],
        [((context.now - first).total_seconds() if first else 0,)],
    )
    yield gauge(
        "shop_payments_pending",
        "Payments that wait for their order, or for its stock.",
        [],
        [(count(PaymentNotice.objects.filter(state=PaymentNotice.State.PENDING)),)],
    )
