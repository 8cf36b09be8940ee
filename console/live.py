"""The data of a sale's live page, from both stores: read once a second, however many look."""

from collections import OrderedDict
from threading import Lock
from typing import Any

import msgspec
import redis

from inventory import counters, outbox
from inventory.errors import CountersLost, InventoryError
from inventory.models import Allocation, Sale
from inventory.reservation import SkuCounters
from inventory.selectors import state_of
from orders.models import ReconciliationRecord
from orders.reads import live_stats
from orders.reads.lateness import lateness
from shop.core import clock

from .recent_seconds import RecentSeconds
from .shared_reading import Shared
from .waiting_payments import payments_waiting

FRESH_SECONDS = 0.9
USUAL_SECONDS = 5.0  # on a saturated machine, work that is due is done within this
MOST_SALES = 32  # sales whose past is kept; that of another sale is read anew

Reading = dict[str, Any]


def live_reading(sale_id: int) -> Reading:
    """Return all that the live page of a sale shows; `seconds` are Second tuples.

    `redis` says why Redis does not answer or has no counters; values from Redis alone are then
    missing or None. Raises Sale.DoesNotExist, django.db.DatabaseError.
    """
    with _lock:
        shared = _shared.pop(sale_id, None) or _LiveSale(sale_id).shared
        _shared[sale_id] = shared
        if len(_shared) > MOST_SALES:
            _shared.popitem(last=False)
    return shared.get()


class _LiveSale:
    def __init__(self, sale_id: int) -> None:
        self._sale_id = sale_id
        self._recent_seconds = RecentSeconds(sale_id)
        self.shared: Shared[Reading] = Shared(self._read, fresh_seconds=FRESH_SECONDS)

    def _read(self) -> Reading:
        # The ledger last: an order that left the outbox meanwhile is in it.
        sale = Sale.objects.get(pk=self._sale_id)
        counted, trouble = _counters(sale)
        flow = self._flow()
        rows = sale.allocations.select_related("product").order_by("pk")
        return {
            "at": int(clock.now().timestamp()),
            "sale": _rules(sale),
            "redis": trouble or flow.pop("trouble", None),
            "skus": [_sku(row, counted.get(row.pk)) for row in rows],
            "drift": last_drift(sale.pk),
            "payments": payments_waiting(),
            "late": None if trouble else _late(),
            **flow,
        }

    def _flow(self) -> Reading:
        """Return the counts in Redis: orders on their way, and answers given."""
        try:
            waiting, since_ms = outbox.waiting([self._sale_id])[self._sale_id]
            total = live_stats.totals([self._sale_id])[self._sale_id]
            now = clock.now()
            seconds = self._recent_seconds.read(now=int(now.timestamp()), backlog=waiting)
        except redis.RedisError as error:
            return {"trouble": f"Redis does not answer: {error}", "backlog": None, "seconds": []}
        oldest = (clock.to_ms(now) - since_ms) / 1000 if waiting else 0.0
        return {
            "backlog": {"orders": waiting, "oldest_seconds": max(0.0, round(oldest, 1))},
            "totals": _totals(total),
            "seconds": seconds,
        }


_shared: "OrderedDict[int, Shared[Reading]]" = OrderedDict()
_lock = Lock()


def last_drift(sale_id: int) -> Reading | None:
    """Return the drift of the last reconciliation with a result, in units, and its age."""
    compared = ReconciliationRecord.objects.filter(sale=sale_id, drift__isnull=False)
    record = compared.order_by("-id").first()
    if record is None:
        return None
    age = (clock.now() - record.compared_at).total_seconds()
    return {"units": record.drift, "age_seconds": max(0, round(age))}


def _late() -> dict[str, float] | None:
    """Return the duties whose oldest work waits longer than is usual, of all sales, in seconds."""
    try:
        found = msgspec.structs.asdict(lateness())
    except redis.RedisError:
        return None
    return {duty: round(seconds, 1) for duty, seconds in found.items() if seconds > USUAL_SECONDS}


def _counters(sale: Sale) -> tuple[dict[int, SkuCounters], str | None]:
    """Return a sale's counters by allocation, and why there are none."""
    try:
        seen = counters.snapshot(sale.pk, sale.slug)
        if seen.epoch != sale.epoch:
            raise CountersLost(sale.slug)
    except InventoryError as error:
        return {}, str(error)
    return seen.skus, None


def _rules(sale: Sale) -> Reading:
    return {
        "state": state_of(sale, clock.now()).value,
        "opens_at": sale.opens_at.isoformat(),
        "closes_at": sale.closes_at.isoformat() if sale.closes_at else None,
        "limit": sale.limit,
        "version": sale.version,
    }


def _sku(row: Allocation, counted: SkuCounters | None) -> Reading:
    """Return where a SKU's units are. In flight: taken in Redis, and not yet in the ledger."""
    units = {
        "id": row.pk,
        "sku": row.product.sku,
        "name": row.product.name,
        "allocated": row.allocated,
        "held": row.held,
        "sold": row.sold,
    }
    if counted is None:
        return {**units, "available": None, "in_flight": None}
    rest = counted.allocated - counted.available - row.held - row.sold
    return {**units, "available": max(counted.available, 0), "in_flight": max(rest, 0)}


def _totals(total: live_stats.Stats) -> Reading:
    return {
        "accepted": total.accepted,
        "replayed": total.outcomes.get("replayed", 0),
        "refused": total.refused,
        "persisted": total.persisted,
    }
