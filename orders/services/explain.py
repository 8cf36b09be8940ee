"""Explaining drift: which stock rows, counters or orders differ between Redis and PostgreSQL.

Redis is read before PostgreSQL. An order goes from the one to the other and never back, so one that
is in neither, in this sequence of readings, is in neither.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db.models import Sum

from inventory import counters, outbox
from inventory.models import Allocation, StockMovement
from inventory.reservation import Snapshot
from orders.domain import HOLDING, SELLING, request_digest
from orders.models import DeadLetter, Order, OrderLine

T = TypeVar("T")

PAGE = 1000
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


def explain(sale_id: int, slug: str) -> list[Finding]:
    """Return what explains a sale's drift. Reads all orders of the sale: seconds for a million.

    Raises CountersLost, CountersUnavailable.
    """
    seen = counters.snapshot(sale_id, slug)
    orders = [
        _missing_orders(sale_id, _persisted_says_redis(sale_id)),
        _unknown_orders(sale_id, seen),
        _released_early(sale_id),
    ]
    return [
        *(finding for finding in orders if finding.count),
        *_counters_off(sale_id, seen),
        *_stock_rows_off(sale_id),
    ]


def row_differences(allocation: Allocation) -> tuple[int, int]:
    """Return what a stock row lacks of what its orders hold, and of what they have bought."""
    lines = OrderLine.objects.filter(allocation=allocation)
    held, sold = (
        lines.filter(order__status__in=statuses).aggregate(units=Sum("quantity"))["units"] or 0
        for statuses in (HOLDING, SELLING)
    )
    return held - allocation.held, sold - allocation.sold


def _persisted_says_redis(sale_id: int) -> list[UUID]:
    """Return the orders that Redis has a request on record for, and that have left its outbox."""
    accepted = set(counters.accepted_orders(sale_id))
    return [UUID(bytes=order_id) for order_id in accepted - outbox.order_ids(sale_id)]


def _missing_orders(sale_id: int, accepted: Iterable[UUID]) -> Finding:
    found = Finding("missing-order", "accepted by Redis, and neither in the ledger nor on its way")
    for page in _pages(accepted):
        known = set(Order.objects.filter(pk__in=page).values_list("pk", flat=True))
        letters = DeadLetter.objects.filter(sale=sale_id, order_id__in=set(page) - known)
        known.update(pk for pk in letters.values_list("order_id", flat=True) if pk)
        for order_id in page:
            if order_id not in known:
                found.note(order_id)
    return found


def _unknown_orders(sale_id: int, seen: Snapshot) -> Finding:
    found = Finding("unknown-order", "in the ledger, and Redis has no record of the request")
    standing = Order.objects.filter(sale=sale_id, position__lte=seen.position).exclude(
        status="rejected"
    )
    rows = standing.order_by("position").values_list("pk", "client_id", "request_key")
    for page in _pages(rows.iterator(chunk_size=PAGE)):
        digests = [request_digest(client_id, key) for _, client_id, key in page]
        for (pk, _, _), known in zip(page, counters.on_record(sale_id, digests), strict=True):
            if not known:
                found.note(pk)
    return found


def _released_early(sale_id: int) -> Finding:
    found = Finding("released-early", "holds its units in the ledger, and Redis has them back")
    standing = Order.objects.filter(
        sale=sale_id, status__in=(*HOLDING, *SELLING), gap_end__isnull=True
    )
    for page in _pages(standing.values_list("pk", flat=True).iterator(chunk_size=PAGE)):
        places = counters.places_among_releases(sale_id, [pk.bytes for pk in page])
        for pk, place in zip(page, places, strict=True):
            if place is not None:
                found.note(pk)
    return found


def _counters_off(sale_id: int, seen: Snapshot) -> Iterator[Finding]:
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
    for row in Allocation.objects.filter(sale=sale_id).select_related("product"):
        held, sold = row_differences(row)
        if held or sold:
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


def _pages(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while page := list(islice(rest, PAGE)):
        yield page
