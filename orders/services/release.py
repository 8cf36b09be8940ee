"""Giving stock back in Redis, once PostgreSQL has. Reads rows, so a lost task costs nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from inventory import counters
from inventory.models import Sale
from inventory.reservation import Release, second_life
from orders.domain import RELEASED
from orders.models import DeadLetter, Order, OrderLine
from shop.core import sql

from . import dead_letters

SQL = Path(__file__).parent.parent / "sql"
BATCH = 500


def sales_to_release() -> list[int]:
    """Return the sales that hold stock in Redis which nobody needs any more."""
    orders, letters = _unreleased_orders(), _unreleased_letters()
    return sorted({*_sales_of(orders), *_sales_of(letters)})


def release_stock(sale_id: int) -> int:
    """Release in Redis what orders and dead letters of a sale no longer hold. Returns how many.

    May run any number of times, also at once: Redis releases an order id once, and the row keeps
    the place that this release had. Raises CountersLost, CountersUnavailable.
    """
    sale = Sale.objects.get(pk=sale_id)
    done = 0
    unreleased = _unreleased_orders().filter(sale=sale).only("id", "customer", "gap_end")
    while orders := list(unreleased[:BATCH]):
        _note_orders(orders, _release(sale, _releases_of(orders)))
        done += len(orders)
    while letters := list(_unreleased_letters().filter(sale=sale)[:BATCH]):
        _note_letters(letters, _release(sale, [_release_of(letter) for letter in letters]))
        done += len(letters)
    return done


def last_place(sale: Sale) -> int:
    """Return the last place in Redis' sequence of releases that the ledger knows of."""
    orders, letters = Order.objects.filter(sale=sale), DeadLetter.objects.filter(sale=sale)
    places = (
        orders.aggregate(last=Max("release_place")),
        orders.aggregate(last=Max("gap_end")),
        letters.aggregate(last=Max("release_place")),
    )
    return max(place["last"] or 0 for place in places)


def release_id(order: Order) -> bytes:
    """Return the id under which an order gives its stock back in Redis."""
    return order.pk.bytes if order.gap_end is None else second_life(order.pk.bytes)


def _unreleased_orders() -> QuerySet[Order]:
    return Order.objects.filter(status__in=RELEASED, release_place__isnull=True).order_by()


def _unreleased_letters() -> QuerySet[DeadLetter]:
    rejected = DeadLetter.Resolution.REJECTED
    return DeadLetter.objects.filter(resolution=rejected, release_place__isnull=True).order_by()


def _sales_of(rows: QuerySet[Any]) -> list[int]:
    return list(rows.values_list("sale", flat=True).distinct())


def _release(sale: Sale, releases: Sequence[Release]) -> list[int]:
    return counters.release(sale.pk, sale.slug, epoch=sale.epoch, releases=releases)


def _note_orders(orders: Sequence[Order], places: Sequence[int]) -> None:
    rows = [
        (str(order.pk), place, order.gap_end is not None)
        for order, place in zip(orders, places, strict=True)
    ]
    sql.run(SQL / "note_releases.sql", sql.columns(["order_id", "place", "second_life"], rows))


def _note_letters(letters: Sequence[DeadLetter], places: Sequence[int]) -> None:
    for letter, place in zip(letters, places, strict=True):
        letter.release_place = place
    DeadLetter.objects.bulk_update(letters, ["release_place"])


def _releases_of(orders: Sequence[Order]) -> list[Release]:
    lines: dict[UUID, list[tuple[int, int]]] = {order.pk: [] for order in orders}
    for order_id, allocation_id, quantity in OrderLine.objects.filter(order__in=orders).values_list(
        "order_id", "allocation_id", "quantity"
    ):
        lines[order_id].append((allocation_id, quantity))
    return [Release(release_id(order), order.customer, lines[order.pk]) for order in orders]


def _release_of(letter: DeadLetter) -> Release:
    record = dead_letters.record_of(letter)
    assert record is not None, "a dead letter with units can be read"
    return Release(
        order_id=record.order_id,
        customer=record.customer,
        lines=[(line.allocation_id, line.quantity) for line in record.lines],
    )
