"""The stock rows, as they are now: PostgreSQL."""

from collections.abc import Iterator

from django.db.models import Sum
from prometheus_client.core import Metric

from inventory.models import Allocation
from orders.domain import RELEASED
from orders.models import Order
from shop.core.admin.estimates import estimate
from shop.core.stores import sql

from .context import ScrapeContext
from .families import gauge
from .postgresql import COUNTED_EXACTLY, SQL

_STATES = ("allocated", "held", "sold")


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield each sale's units in the ledger, and what Redis is not known to have back."""
    yield gauge(
        "shop_ledger_units",
        "Units of a sale in the ledger.",
        ["sale", "state"],
        [
            (context.sales[sale].slug, state, units)
            for sale, *sums in _sums(context)
            for state, units in zip(_STATES, sums, strict=True)
        ],
    )
    waiting = _releases_pending(context)
    yield gauge(
        "shop_releases_pending",
        "Orders that hold nothing any more and whose units are not back on sale yet; "
        f"above {COUNTED_EXACTLY} an estimate.",
        ["sale"],
        [(sale.slug, waiting.get(pk, 0)) for pk, sale in context.sales.items()],
    )


def _releases_pending(context: ScrapeContext) -> dict[int, int]:
    parameters = {"sale_ids": sql.array(context.sales), "most": COUNTED_EXACTLY + 1}
    counted: dict[int, int] = dict(sql.run(SQL / "releases_pending.sql", parameters))
    for sale_id, orders in counted.items():
        if orders > COUNTED_EXACTLY:
            pending = Order.objects.filter(
                sale=sale_id, status__in=RELEASED, release_place__isnull=True
            )
            counted[sale_id] = max(orders, estimate(pending.order_by()))
    return counted


def _sums(context: ScrapeContext) -> list[tuple[int, ...]]:
    rows = Allocation.objects.filter(sale__in=context.sales).order_by()
    return list(rows.values_list("sale").annotate(*(Sum(state) for state in _STATES)))
