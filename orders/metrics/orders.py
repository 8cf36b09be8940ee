"""Orders by status, without reading them all: PostgreSQL."""

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client.core import Metric

from orders.domain import Status
from orders.models import Order
from shop.core.admin.estimates import estimate

from .context import ScrapeContext
from .families import counter, gauge
from .postgresql import COUNTED_EXACTLY


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how many orders there are in each status, and how many were rejected."""
    yield gauge(
        "shop_orders",
        f"Orders by status; above {COUNTED_EXACTLY} in all, the planner's estimates.",
        ["status"],
        list(_by_status().items()),
    )
    rejected = Order.objects.filter(status=Status.REJECTED, sale__in=context.sales).order_by()
    by_sale = dict(rejected.values_list("sale").annotate(Count("pk")))
    yield counter(
        "shop_orders_rejected_total",
        "Accepted orders that the ledger refused: data was lost.",
        ["sale"],
        [(sale.slug, by_sale.get(pk, 0)) for pk, sale in context.sales.items()],
    )


def _by_status() -> dict[str, int]:
    orders = Order.objects.order_by()
    if orders[: COUNTED_EXACTLY + 1].count() <= COUNTED_EXACTLY:
        counted = dict(orders.values_list("status").annotate(Count("pk")))
        return {status: counted.get(status, 0) for status in Order.Status.values}
    return {status: _estimate(status) for status in Order.Status.values}


def _estimate(status: str) -> int:
    expected = estimate(Order.objects.filter(status=status).order_by())
    return expected if expected > 1 else 0  # the planner expects one row at the least
