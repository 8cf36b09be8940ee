"""Giving stock back in Redis, once PostgreSQL has. Reads rows, so a lost task costs nothing."""

from collections.abc import Sequence
from uuid import UUID

from inventory import counters
from inventory.domain import Release
from inventory.models import Sale
from orders.domain import RELEASED
from orders.models import Order, OrderLine

BATCH = 500


def sales_to_release() -> list[int]:
    """Return the sales that have orders whose stock Redis is not known to have back."""
    pending = Order.objects.filter(status__in=RELEASED, release_place__isnull=True)
    return list(pending.order_by("sale").values_list("sale", flat=True).distinct())


def release_stock(sale_id: int) -> int:
    """Release in Redis what orders of a sale no longer hold. Returns how many orders that were.

    May run any number of times, also at once: Redis releases an order id once, and the row keeps
    the place that this release had. Raises CountersLost, CountersUnavailable.
    """
    sale = Sale.objects.get(pk=sale_id)
    done = 0
    while orders := list(
        Order.objects.filter(sale=sale, status__in=RELEASED, release_place__isnull=True)
        .only("id", "customer")
        .order_by()[:BATCH]
    ):
        places = counters.release(sale.pk, sale.slug, epoch=sale.epoch, releases=_releases(orders))
        for order, place in zip(orders, places, strict=True):
            order.release_place = place
        Order.objects.bulk_update(orders, ["release_place"])
        done += len(orders)
    return done


def _releases(orders: Sequence[Order]) -> list[Release]:
    lines: dict[UUID, list[tuple[int, int]]] = {order.pk: [] for order in orders}
    for order_id, allocation_id, quantity in OrderLine.objects.filter(order__in=orders).values_list(
        "order_id", "allocation_id", "quantity"
    ):
        lines[order_id].append((allocation_id, quantity))
    return [Release(order.pk.bytes, order.customer, lines[order.pk]) for order in orders]
