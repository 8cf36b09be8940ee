"""Comparing Redis with PostgreSQL exactly, also while orders flow.

Redis is read in one step, with two watermarks: the position of the last order it has accepted, and
the number of releases it has made. PostgreSQL knows of each order at which position it was accepted
and as which release it was given back, so both sides can be brought to the same point: what
PostgreSQL did after the watermarks is taken back, and what Redis did before them and PostgreSQL has
not done yet is read from the outbox. No pause, no tolerance.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from inventory import counters, outbox
from inventory.models import Allocation, Sale
from inventory.reservation import CountersSnapshot, position_of, reacquiring
from orders.domain import RELEASED, SkuBalance
from orders.errors import ReconciliationImpossible
from orders.models import DeadLetter, Order, PaymentNotice, ReconciliationCheckpoint
from orders.services.dead_letters import record_in
from shop.core import clock
from shop.core.stores import sql

from . import checkpoints, in_transit
from .in_transit import PAGE, SQL, OnTheirWay, Units

T = TypeVar("T")


THOROUGH_EVERY = timedelta(minutes=5)  # however many orders are on their way
STATEMENT_SECONDS = 15  # rather no result than a round that never ends
PAUSES = (0.0, 0.1, 0.3)  # seconds; the ledger is a moment behind what Redis has released


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Both sides of a sale, at one watermark."""

    sale: str
    skus: list[SkuBalance]

    @property
    def drift(self) -> int:
        """Units that are off, whichever way, over all SKUs."""
        return sum(abs(sku.drift) for sku in self.skus)


@dataclass(frozen=True, slots=True)
class _Compared:
    found: Reconciliation
    checkpoint: ReconciliationCheckpoint  # unsaved: where this comparison stands


def reconcile(sale_id: int, slug: str) -> Reconciliation:
    """Compare the counters of a sale with its ledger.

    Costs what has changed since the last comparison. Drift is returned only once it was found
    without the checkpoint of that one. Raises CountersLost, CountersUnavailable, and
    ReconciliationImpossible when the sale is being rebuilt meanwhile.
    """
    compared = _compare(sale_id, slug, thorough=False)
    if compared is None or compared.found.drift:
        compared = _compare(sale_id, slug, thorough=True)
    assert compared is not None, "a thorough comparison can always tell"
    if not compared.found.drift:
        checkpoints.keep(compared.checkpoint)
    return compared.found


def _compare(sale_id: int, slug: str, *, thorough: bool) -> _Compared | None:
    """Return both sides; None where that takes a thorough comparison."""
    # The order matters: an entry that is gone from the outbox when it is read was persisted before,
    # so the ledger, read last, has it.
    seen = counters.snapshot(sale_id, slug)
    waiting = _waiting(sale_id, seen)
    for pause in PAUSES:
        time.sleep(pause)
        with _one_moment():
            compared = _bring_together(sale_id, slug, seen, waiting, thorough=thorough)
        if compared or thorough:
            return compared
    return None


def _bring_together(
    sale_id: int,
    slug: str,
    seen: CountersSnapshot,
    waiting: dict[str, "_Waiting"],
    *,
    thorough: bool,
) -> _Compared | None:
    sale = Sale.objects.get(pk=sale_id)
    if sale.epoch != seen.epoch:
        raise ReconciliationImpossible(f"Sale {slug} is being rebuilt.")
    rows = list(Allocation.objects.filter(sale=sale).select_related("product"))
    later, retaken = (
        in_transit.accepted_later(sale_id, seen),
        in_transit.reacquired_later(sale_id, seen),
    )
    back = _on_their_way(sale, seen, rows, later, retaken, thorough=thorough)
    if back is None:
        return None
    in_flight = _in_flight(sale_id, seen, waiting)
    in_flight.update(back.units.rejected)
    in_flight.update(back.retaken)
    held = _total(rows, "held", plus=back.units.held, minus=(later.held, retaken.held))
    sold = _total(rows, "sold", minus=(later.sold, retaken.sold))
    skus = [
        SkuBalance(
            sku=row.product.sku,
            allocated=_allocated(row, seen),
            available=seen.skus[row.pk].available if row.pk in seen.skus else 0,
            in_flight=in_flight[row.pk],
            held=held[row.pk],
            sold=sold[row.pk],
        )
        for row in rows
    ]
    checkpoint = ReconciliationCheckpoint(
        sale=sale,
        epoch=seen.epoch,
        releases=seen.releases,
        offsets=in_transit.offsets(back.units, _released(rows), later, retaken),
        thorough_at=back.thorough_at,
    )
    return _Compared(Reconciliation(slug, skus), checkpoint)


@dataclass(frozen=True, slots=True)
class _Back:
    units: OnTheirWay
    retaken: Units  # by late payments, in Redis and not in the ledger yet
    thorough_at: datetime


def _on_their_way(
    sale: Sale,
    seen: CountersSnapshot,
    rows: Sequence[Allocation],
    later: in_transit.Later,
    retaken: in_transit.Reacquired,
    *,
    thorough: bool,
) -> _Back | None:
    """Return what is on its way back, by its orders where that is cheap, else by running totals.

    None where the ledger has not noted yet whose some of Redis' releases were.
    """
    now, last = clock.now(), checkpoints.last_of(sale, releases=seen.releases)
    noted = not thorough and in_transit.all_noted(sale.pk, seen, last.releases if last else 0)
    few = thorough or in_transit.are_few(sale.pk)
    if not noted:
        if not few:
            return None
        return _Back(in_transit.by_orders(sale.pk, seen), _being_reacquired(sale.pk, seen), now)
    none: Units = Counter()  # a retaking has a place among the releases, and is noted
    if few or last is None or last.thorough_at <= now - THOROUGH_EVERY:
        return _Back(in_transit.by_orders(sale.pk, seen, ask=False), none, now)
    units = in_transit.by_totals(sale.pk, seen, last, _released(rows), later, retaken)
    return _Back(units, none, last.thorough_at)


def _released(rows: Sequence[Allocation]) -> dict[int, int]:
    return {row.pk: row.released for row in rows}


def _total(
    rows: Sequence[Allocation],
    column: str,
    *,
    plus: Mapping[int, int] = MappingProxyType({}),
    minus: Sequence[Mapping[int, int]],
) -> Units:
    units: Units = Counter({row.pk: getattr(row, column) for row in rows})
    units.update(plus)
    for less in minus:
        units.subtract(less)
    return units


@contextmanager
def _one_moment() -> Iterator[None]:
    """Make every read in this block see the same state of the database."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # inside a caller's transaction its isolation is the caller's
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        yield


def _allocated(row: Allocation, seen: CountersSnapshot) -> int:
    """Return what a sale had of a SKU at the watermark: added units reach Redis afterwards."""
    counted = seen.skus.get(row.pk)
    return min(row.allocated, counted.allocated) if counted else row.allocated


def _being_reacquired(sale_id: int, seen: CountersSnapshot) -> Units:
    """Return the units that a late payment had retaken in Redis, and in PostgreSQL not yet."""
    pending = PaymentNotice.objects.filter(
        state=PaymentNotice.State.PENDING, type=PaymentNotice.Type.SUCCEEDED
    )
    let_go = Order.objects.filter(
        pk__in=pending.values("order_id"), sale=sale_id, status__in=RELEASED, gap_end__isnull=True
    )
    ids = list(let_go.values_list("pk", flat=True))
    places = counters.places_among_releases(sale_id, [reacquiring(pk.bytes) for pk in ids])
    retaken = [
        str(pk)
        for pk, place in zip(ids, places, strict=True)
        if place is not None and place <= seen.releases
    ]
    units: Units = Counter()
    if retaken:
        parameters = {"order_ids": sql.array(retaken)}
        for allocation_id, _, count in sql.run(SQL / "units_of_orders.sql", parameters):
            units[allocation_id] += count
    return units


# --- On the way to the ledger -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An accepted order in the outbox."""

    order_id: UUID
    units: list[tuple[int, int]]  # allocation, quantity


def _waiting(sale_id: int, seen: CountersSnapshot) -> dict[str, _Waiting]:
    """Return what is in the outbox up to the watermark and can be read, by entry."""
    found = {}
    for entry in outbox.entries_up_to(sale_id, seen.position):
        record = record_in(entry)
        if record and len(record.order_id) == 16:
            lines = [(line.allocation_id, line.quantity) for line in record.lines]
            found[entry.entry_id.decode()] = _Waiting(UUID(bytes=record.order_id), lines)
    return found


def _in_flight(sale_id: int, seen: CountersSnapshot, waiting: dict[str, _Waiting]) -> Units:
    """Return the units of orders and dead letters that are accepted and not in the ledger."""
    letters = _open_letters(sale_id, seen)
    # The worker that made a dead letter may have died before taking the entry out of the outbox.
    lettered = {letter.entry_id for letter in letters} | _rejected(sale_id, list(waiting))
    left = [order for entry_id, order in waiting.items() if entry_id not in lettered]
    persisted = _in_ledger([order.order_id for order in left])
    units: Units = Counter()
    for letter in letters:
        units.update({int(key): count for key, count in letter.units.items()})
    for order in left:
        if order.order_id not in persisted:
            for allocation_id, quantity in order.units:
                units[allocation_id] += quantity
    return units


def _open_letters(sale_id: int, seen: CountersSnapshot) -> list[DeadLetter]:
    """Return dead letters whose units, at the watermark, were taken in Redis and nowhere else."""
    rejected = Q(resolution=DeadLetter.Resolution.REJECTED)
    unreleased = Q(release_place__isnull=True) | Q(release_place__gt=seen.releases)
    candidates = DeadLetter.objects.filter(Q(resolution="") | rejected & unreleased, sale=sale_id)
    letters = [
        letter
        for letter in candidates.only("entry_id", "order_id", "units", "release_place")
        if position_of(letter.entry_id.encode()) <= seen.position
    ]
    persisted = _in_ledger([letter.order_id for letter in letters if letter.order_id])
    open_ = [letter for letter in letters if letter.order_id not in persisted]
    # A release whose place is not noted may have happened all the same: Redis knows.
    places = counters.places_among_releases(
        sale_id, [letter.order_id.bytes if letter.order_id else b"" for letter in open_]
    )
    return [
        letter
        for letter, place in zip(open_, places, strict=True)
        if place is None or place > seen.releases
    ]


def _rejected(sale_id: int, entry_ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for page in _pages(entry_ids):
        parameters = {"sale_id": sale_id, "entry_ids": sql.array(page)}
        found.update(pk for (pk,) in sql.run(SQL / "rejected_letters.sql", parameters))
    return found


def _in_ledger(order_ids: Sequence[UUID]) -> set[UUID]:
    found: set[UUID] = set()
    for page in _pages(order_ids):
        parameters = {"order_ids": sql.array(map(str, page))}
        found.update(pk for (pk,) in sql.run(SQL / "orders_in_ledger.sql", parameters))
    return found


def _pages(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + PAGE] for start in range(0, len(items), PAGE))
