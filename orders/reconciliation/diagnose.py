"""Explaining drift: which stock rows, counters or orders differ between Redis and PostgreSQL.

Redis is read before PostgreSQL. An order goes from the one to the other and never back, so one that
is in neither, in this sequence of readings, is in neither.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db.models import Sum

from inventory import counters, outbox
from inventory.models import Allocation, StockMovement
from inventory.reservation import CountersSnapshot
from orders.domain import HOLDING, SELLING, request_digest
from orders.models import DeadLetter, Order
from shop.core.stores import sql

from .in_transit import SQL

T = TypeVar("T")

PAGE = 5000
SHOWN = 20  # orders of each kind that are named


@dataclass(slots=True)
class Finding:
    """One way in which the two sides, or one side and itself, differ."""

    kind: str
    text: str
    count: int = 0
    orders: list[str] = field(default_factory=list)  # the first ones

    def note(self, order_id: UUID) -> None:
        """Add an order to this finding."""
        self.count += 1
        if len(self.orders) < SHOWN:
            self.orders.append(str(order_id))


def diagnose_drift(sale_id: int, slug: str, *, seconds: float | None = None) -> list[Finding]:
    """Return what explains a sale's drift. Reads all its orders: half a minute for a million.

    Ends the search for orders after so many `seconds`, and says so. Raises CountersLost,
    CountersUnavailable.
    """
    search = _Search(None if seconds is None else time.monotonic() + seconds)
    seen = counters.snapshot(sale_id, slug)
    # Rows and counters first: they are the cheaper part.
    rows = [*_counters_off(sale_id, seen), *_stock_rows_off(sale_id)]
    orders = [
        _released_early(sale_id, search),
        _missing_orders(sale_id, search),
        _unknown_orders(sale_id, seen, search),
    ]
    return [
        *(finding for finding in orders if finding.count),
        *rows,
        *([Finding("cut-short", search.cut_short)] if search.cut_short else []),
    ]


class _Search:
    """Goes through many orders in pages, until its time is up."""

    def __init__(self, deadline: float | None) -> None:
        self._deadline = deadline
        self.cut_short = ""

    def pages(self, items: Iterable[T]) -> Iterator[list[T]]:
        """Yield pages of `items`, at the least one."""
        rest = iter(items)
        while page := list(islice(rest, PAGE)):
            yield page
            if self._deadline is not None and time.monotonic() > self._deadline:
                self.cut_short = "not all orders were looked at: manage.py reconcile does"
                return


def row_differences(sale_id: int, allocation_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Return what stock rows of a sale lack of what their orders hold, and have bought.

    Rows that lack nothing are left out. Reads the sale's orders: a second for a million.
    """
    rows = sql.run(
        SQL / "differences_of_stock_rows.sql",
        {"sale_id": sale_id, "allocation_ids": sql.array(allocation_ids)},
    )
    return {pk: (int(held), int(sold)) for pk, held, sold in rows if held or sold}


def _missing_orders(sale_id: int, search: _Search) -> Finding:
    found = Finding("missing-order", "accepted by Redis, and neither in the ledger nor on its way")
    for accepted in search.pages(counters.accepted_orders(sale_id, page=PAGE)):
        waiting = outbox.still_waiting(sale_id, accepted)
        page = {UUID(bytes=order_id) for order_id in set(accepted) - waiting}
        ids = {"order_ids": sql.array(map(str, page))}
        page -= {pk for (pk,) in sql.run(SQL / "orders_in_ledger.sql", ids)}
        letters = DeadLetter.objects.filter(sale=sale_id, order_id__in=page)
        page -= {pk for pk in letters.values_list("order_id", flat=True) if pk}
        for order_id in sorted(page):
            found.note(order_id)
    return found


def _unknown_orders(sale_id: int, seen: CountersSnapshot, search: _Search) -> Finding:
    found = Finding("unknown-order", "in the ledger, and Redis has no record of the request")
    standing = Order.objects.filter(sale=sale_id, position__lte=seen.position).exclude(
        status="rejected"
    )
    rows = standing.order_by("position").values_list("pk", "client_id", "request_key")
    for page in search.pages(rows.iterator(chunk_size=PAGE)):
        digests = [request_digest(client_id, key) for _, client_id, key in page]
        for (pk, _, _), known in zip(page, counters.on_record(sale_id, digests), strict=True):
            if not known:
                found.note(pk)
    return found


def _released_early(sale_id: int, search: _Search) -> Finding:
    found = Finding("released-early", "holds its units in the ledger, and Redis has them back")
    standing = Order.objects.filter(
        sale=sale_id, status__in=(*HOLDING, *SELLING), gap_end__isnull=True
    )
    for page in search.pages(standing.values_list("pk", flat=True).iterator(chunk_size=PAGE)):
        places = counters.places_among_releases(sale_id, [pk.bytes for pk in page])
        for pk, place in zip(page, places, strict=True):
            if place is not None:
                found.note(pk)
    return found


def _counters_off(sale_id: int, seen: CountersSnapshot) -> Iterator[Finding]:
    """Yield counters that do not follow from what Redis itself says was taken and given back."""
    for row in Allocation.objects.filter(sale=sale_id).select_related("product"):
        counted = seen.skus.get(row.pk)
        if counted is None:
            yield Finding("counter", f"{row.product.sku}: Redis has no counter", 1)
            continue
        off = counted.available - (counted.allocated - counted.taken + counted.returned)
        if off:
            text = f"{row.product.sku}: Redis' counter was changed by {off:+} from outside"
            yield Finding("counter", text, 1)


def _stock_rows_off(sale_id: int) -> Iterator[Finding]:
    """Yield stock rows that do not follow from their orders, or from their ledger lines."""
    rows = list(Allocation.objects.filter(sale=sale_id).select_related("product"))
    differences = row_differences(sale_id, [row.pk for row in rows])
    for row in rows:
        if row.pk in differences:
            held, sold = differences[row.pk]
            text = f"{row.product.sku}: the stock row lacks {held:+} held and {sold:+} sold"
            yield Finding("stock-row", text, 1)
        sums = StockMovement.objects.filter(allocation=row).aggregate(
            allocated=Sum("allocated"), held=Sum("held"), sold=Sum("sold")
        )
        columns = {"allocated": row.allocated, "held": row.held, "sold": row.sold}
        lacking = Counter(columns)
        lacking.subtract({name: units or 0 for name, units in sums.items()})
        if any(lacking.values()):
            off = ", ".join(f"{units:+} {name}" for name, units in lacking.items() if units)
            yield Finding("ledger", f"{row.product.sku}: the ledger lacks {off}", 1)
