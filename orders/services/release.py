"""Giving stock back in Redis, once PostgreSQL has. Reads rows, so a lost task costs nothing."""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from inventory import counters
from inventory.errors import InventoryError
from inventory.models import Sale
from inventory.reservation import Release, second_hold
from orders.models import DeadLetter
from orders.reads.lateness import OLDEST_RELEASES
from shop.core.stores import sql
from shop.core.time_limits import endless

from . import dead_letters
from .verify_counters import on_compared_server

logger = logging.getLogger(__name__)

SQL = Path(__file__).parent / "sql"
BATCH = 1000  # orders in one call of Redis, which does nothing else meanwhile: some 2 ms


class _Unreleased(NamedTuple):
    """A row of unreleased.sql."""

    order_id: UUID
    customer: str
    second_hold: bool
    lines: str

    @property
    def release(self) -> Release:
        order_id, numbers = self.order_id.bytes, [int(each) for each in self.lines.split(",")]
        return Release(
            order_id=second_hold(order_id) if self.second_hold else order_id,
            customer=self.customer,
            lines=list(zip(numbers[::2], numbers[1::2], strict=True)),
        )


def sales_to_release() -> list[int]:
    """Return the sales that hold stock in Redis that the ledger has released, the latest first."""
    return [sale_id for sale_id, _, _ in sql.run(OLDEST_RELEASES, {})]


def release_due(*, out_of_time: Callable[[], bool] = endless) -> int:
    """Release in Redis what the ledger has released, sale by sale, until nothing is left.

    Returns how many orders that were; stops early when `out_of_time()`. A sale that cannot be
    released to now (its counters are lost) keeps no other one waiting.
    """
    done, left_out = 0, set[int]()
    while sale_ids := [pk for pk in sales_to_release() if pk not in left_out]:
        for sale_id in sale_ids:
            if out_of_time():
                return done
            try:
                released = _release_batch(Sale.objects.get(pk=sale_id))
            except InventoryError as error:
                logger.warning("sale %s: its stock cannot be released: %s", sale_id, error)
                released = 0
            done += released
            if released < BATCH:  # what comes now was let go after this round had begun
                left_out.add(sale_id)
    return done


def release_stock(sale_id: int, *, out_of_time: Callable[[], bool] = endless) -> int:
    """Release in Redis what orders and dead letters of a sale no longer hold. Returns how many.

    May run any number of times, also at once: Redis releases an order id once, and the row keeps
    the place that this release had. Raises CountersLost, CountersUnavailable.
    """
    sale = Sale.objects.get(pk=sale_id)
    done = 0
    while not out_of_time() and (released := _release_batch(sale)):
        done += released
    return done


def _release_batch(sale: Sale) -> int:
    rows = sql.run(SQL / "unreleased.sql", {"sale_id": sale.pk, "most": BATCH})
    orders = [_Unreleased(*row) for row in rows]
    if orders:
        _note_orders(orders, _release(sale, (order.release for order in orders)))
    letters = list(_unreleased_letters().filter(sale=sale)[: BATCH - len(orders)])
    if letters:
        _note_letters(letters, _release(sale, map(_release_of, letters)))
    return len(orders) + len(letters)


def _unreleased_letters() -> QuerySet[DeadLetter]:
    rejected = DeadLetter.Resolution.REJECTED
    return DeadLetter.objects.filter(resolution=rejected, release_place__isnull=True).order_by()


def _release(sale: Sale, releases: Iterable[Release]) -> list[int]:
    given_back = list(releases)
    return on_compared_server(
        lambda server: counters.release(
            sale.pk, sale.slug, epoch=sale.epoch, server=server, releases=given_back
        )
    )


def _note_orders(orders: Sequence[_Unreleased], places: Sequence[int]) -> None:
    rows = [
        (str(order.order_id), place, order.second_hold)
        for order, place in zip(orders, places, strict=True)
    ]
    sql.run(SQL / "note_releases.sql", sql.columns(["order_id", "place", "second_hold"], rows))


def _note_letters(letters: Sequence[DeadLetter], places: Sequence[int]) -> None:
    for letter, place in zip(letters, places, strict=True):
        letter.release_place = place
    DeadLetter.objects.bulk_update(letters, ["release_place"])


def _release_of(letter: DeadLetter) -> Release:
    record = dead_letters.record_of(letter)
    assert record is not None, "a dead letter with units can be read"
    return Release(
        order_id=record.order_id,
        customer=record.customer,
        lines=[(line.allocation_id, line.quantity) for line in record.lines],
    )
