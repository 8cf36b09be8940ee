"""Comparing Redis with PostgreSQL exactly, also while orders flow.

Redis is read in one step, with two watermarks: the position of the last order it has accepted, and
the number of releases it has made. PostgreSQL knows of each order at which position it was accepted
and as which release it was given back, so both sides can be brought to the same point: what
PostgreSQL did after the watermarks is taken back, and what Redis did before them and PostgreSQL has
not done yet is read from the outbox. No pause, no tolerance.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum

from inventory import counters, outbox
from inventory.models import Allocation, Sale
from inventory.reservation import Snapshot, position_of, retaking
from orders.domain import HOLDING, RELEASED, SELLING, SkuBalance, Status
from orders.errors import ReconciliationImpossible
from orders.models import DeadLetter, Order, OrderLine, PaymentNotice

from .dead_letters import record_in
from .release import release_id

Units = Counter[int]  # by allocation


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Both sides of a sale, at one watermark."""

    sale: str
    skus: list[SkuBalance]

    @property
    def drift(self) -> int:
        """Units that are off, whichever way, over all SKUs."""
        return sum(abs(sku.drift) for sku in self.skus)


def reconcile(sale_id: int, slug: str) -> Reconciliation:
    """Compare the counters of a sale with its ledger.

    Raises CountersLost, CountersUnavailable, and ReconciliationImpossible when the sale is being
    rebuilt meanwhile.
    """
    # The order matters: an entry that is gone from the outbox when it is read was persisted before,
    # so the ledger, read last, has it.
    seen = counters.snapshot(sale_id, slug)
    entries = outbox.entries_up_to(sale_id, seen.position)
    with _one_moment():
        sale = Sale.objects.get(pk=sale_id)
        if sale.epoch != seen.epoch:
            raise ReconciliationImpossible(f"Sale {slug} is being rebuilt.")
        rows = list(Allocation.objects.filter(sale=sale).select_related("product"))
        held = _row_units(rows, "held")
        sold = _row_units(rows, "sold")
        in_flight: Units = Counter()

        later = Order.objects.filter(sale=sale, position__gt=seen.position)
        held.subtract(_units_of(later.filter(status__in=HOLDING)))
        sold.subtract(_units_of(later.filter(status__in=SELLING)))
        for order_id, status in _released_after(sale_id, seen):
            target = in_flight if status == Status.REJECTED else held
            target.update(_units_of(Order.objects.filter(pk=order_id)))
        for order_id, status in _in_gap(sale_id, seen):
            target = sold if status in SELLING else held
            target.subtract(_units_of(Order.objects.filter(pk=order_id)))
        in_flight.update(_units_of(Order.objects.filter(pk__in=_being_retaken(sale_id, seen))))

        letters = _open_letters(sale_id, seen)
        for letter in letters:
            in_flight.update({int(key): count for key, count in letter.units.items()})
        in_flight.update(_not_in_ledger(entries, {letter.entry_id for letter in letters}))
    return Reconciliation(
        sale=slug,
        skus=[
            SkuBalance(
                sku=row.product.sku,
                allocated=_allocated(row, seen),
                available=seen.skus[row.pk].available if row.pk in seen.skus else 0,
                in_flight=in_flight[row.pk],
                held=held[row.pk],
                sold=sold[row.pk],
            )
            for row in rows
        ],
    )


@contextmanager
def _one_moment() -> Iterator[None]:
    """Make every read in this block see the same state of the database."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # inside a caller's transaction its isolation is the caller's
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _row_units(rows: Iterable[Allocation], column: str) -> Units:
    return Counter({row.pk: getattr(row, column) for row in rows})


def _allocated(row: Allocation, seen: Snapshot) -> int:
    """Return what a sale had of a SKU at the watermark: Redis is told of added units afterwards."""
    counted = seen.skus.get(row.pk)
    return min(row.allocated, counted.allocated) if counted else row.allocated


def _units_of(orders: QuerySet[Order]) -> Units:
    sums = (
        OrderLine.objects.filter(order__in=orders)
        .order_by()
        .values_list("allocation")
        .annotate(units=Sum("quantity"))
    )
    return Counter(dict(sums))


def _released_after(sale_id: int, seen: Snapshot) -> list[tuple[UUID, str]]:
    """Return orders that PostgreSQL has released and Redis, at its watermark, had not."""
    released = Order.objects.filter(sale=sale_id, status__in=RELEASED, position__lte=seen.position)
    after = list(released.filter(release_place__gt=seen.releases).values_list("pk", "status"))
    # A release whose place is not noted may have happened all the same: Redis knows.
    unnoted = list(released.filter(release_place__isnull=True).only("id", "status", "gap_end"))
    places = counters.places_among_releases(sale_id, [release_id(order) for order in unnoted])
    return after + [
        (order.pk, order.status)
        for order, place in zip(unnoted, places, strict=True)
        if place is None or place > seen.releases
    ]


def _in_gap(sale_id: int, seen: Snapshot) -> list[tuple[UUID, str]]:
    """Return orders that at the watermark were between the end of their hold and a late payment."""
    retaken_after = Order.objects.filter(sale=sale_id, gap_end__gt=seen.releases)
    return list(
        retaken_after.filter(gap_start__lte=seen.releases, position__lte=seen.position).values_list(
            "pk", "status"
        )
    )


def _being_retaken(sale_id: int, seen: Snapshot) -> list[UUID]:
    """Return orders that a late payment had retaken in Redis, and in PostgreSQL not yet."""
    pending = PaymentNotice.objects.filter(
        state=PaymentNotice.State.PENDING, type=PaymentNotice.Type.SUCCEEDED
    )
    let_go = Order.objects.filter(
        pk__in=pending.values("order_id"), sale=sale_id, status__in=RELEASED, gap_end__isnull=True
    )
    ids = list(let_go.values_list("pk", flat=True))
    places = counters.places_among_releases(sale_id, [retaking(pk.bytes) for pk in ids])
    return [
        pk
        for pk, place in zip(ids, places, strict=True)
        if place is not None and place <= seen.releases
    ]


def _open_letters(sale_id: int, seen: Snapshot) -> list[DeadLetter]:
    """Return dead letters whose units, at the watermark, were taken in Redis and nowhere else."""
    rejected = DeadLetter.Resolution.REJECTED
    letters = [
        letter
        for letter in DeadLetter.objects.filter(
            Q(resolution="") | Q(resolution=rejected), sale=sale_id
        )
        if position_of(letter.entry_id.encode()) <= seen.position
    ]
    persisted = _in_ledger([letter.order_id for letter in letters if letter.order_id])
    open_ = [
        letter
        for letter in letters
        if letter.order_id not in persisted
        and (letter.release_place is None or letter.release_place > seen.releases)
    ]
    # A release whose place is not noted may have happened all the same: Redis knows.
    places = counters.places_among_releases(
        sale_id, [letter.order_id.bytes if letter.order_id else b"" for letter in open_]
    )
    return [
        letter
        for letter, place in zip(open_, places, strict=True)
        if place is None or place > seen.releases
    ]


def _not_in_ledger(entries: Sequence[outbox.Entry], letters: set[str]) -> Units:
    """Return the units of accepted orders that are still on their way to the ledger."""
    records = [
        record
        for entry in entries
        if entry.entry_id.decode() not in letters and (record := record_in(entry)) is not None
    ]
    persisted = _in_ledger([UUID(bytes=record.order_id) for record in records])
    units: Units = Counter()
    for record in records:
        if UUID(bytes=record.order_id) not in persisted:
            units.update({line.allocation_id: line.quantity for line in record.lines})
    return units


def _in_ledger(order_ids: Sequence[UUID], *, page: int = 5000) -> set[UUID]:
    found: set[UUID] = set()
    for start in range(0, len(order_ids), page):
        some = order_ids[start : start + page]
        found.update(Order.objects.filter(pk__in=some).values_list("pk", flat=True))
    return found
