"""The data of the dashboard: every sale that may still move, and all that waits for a person."""

from collections.abc import Mapping
from typing import Any

import redis
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.urls import reverse

from inventory import outbox
from inventory.models import Allocation, Sale
from inventory.selectors import sales_on_record, state_of
from orders.models import ReconciliationRecord
from orders.reads import live_stats
from shop.core import clock
from shop.core.processes import health
from shop.core.tasks import progress

from .attention import needing_attention
from .shared_reading import Shared
from .waiting_payments import payments_waiting

FRESH_SECONDS = 1.5
MOST_SALES = 20  # the latest ones are shown
OVER_SECONDS = 5  # "per second" is an average over these

Reading = dict[str, Any]


def overview() -> Reading:
    """Return all figures of the dashboard, at most 1.5 s old. Raises django.db.DatabaseError.

    `redis` says why Redis does not answer; values from Redis alone are then None.
    """
    return _shared.get()


def _read() -> Reading:
    now = clock.now()
    sales = list(sales_on_record(now=now).order_by("-pk")[:MOST_SALES])
    flow, trouble = _flow([sale.pk for sale in sales])
    units, drift = _units(sales), _drifts(sales)
    ready, parts = health.readiness()
    return {
        "at": int(now.timestamp()),
        "redis": trouble,
        "ready": ready,
        "parts": parts,
        "progress": _progress(),
        "waiting": needing_attention(),
        "payments": payments_waiting(),
        "sales": [
            {
                "slug": sale.slug,
                "name": sale.name,
                "state": state_of(sale, now).value,
                "url": reverse("console:live", args=[sale.pk]),
                "drift": drift.get(sale.pk),
                **units[sale.pk],
                **flow.get(sale.pk, {}),
            }
            for sale in sales
        ],
    }


_shared: Shared[Reading] = Shared(_read, fresh_seconds=FRESH_SECONDS)


def _flow(sale_ids: list[int]) -> tuple[Mapping[int, Reading], str | None]:
    """Return each sale's orders per second and backlog, or the reason why they are unknown."""
    now_ms = clock.to_ms(clock.now())
    until = now_ms // 1000 - live_stats.SETTLED_SECONDS
    flow = {}
    try:
        for sale_id, (waiting, since_ms) in outbox.waiting(sale_ids).items():
            recent = live_stats.seconds(sale_id, after=until - OVER_SECONDS, until=until).values()
            accepted = sum(each.accepted for each in recent)
            flow[sale_id] = {
                "accepted_per_second": accepted / OVER_SECONDS,
                "persisted_per_second": sum(each.persisted for each in recent) / OVER_SECONDS,
                "backlog": waiting,
                "oldest_seconds": max(0.0, (now_ms - since_ms) / 1000) if waiting else 0.0,
            }
    except redis.RedisError as error:
        return {}, f"Redis does not answer: {error}"
    return flow, None


def _units(sales: list[Sale]) -> dict[int, Reading]:
    """Return where each sale's units are, by the ledger."""
    sums = (
        Allocation.objects.filter(sale__in=sales)
        .order_by()
        .values_list("sale")
        .annotate(Sum("allocated"), Sum("held"), Sum("sold"))
    )
    found = {
        sale_id: {"allocated": allocated, "held": held, "sold": sold}
        for sale_id, allocated, held, sold in sums
    }
    return {sale.pk: found.get(sale.pk, {"allocated": 0, "held": 0, "sold": 0}) for sale in sales}


def _drifts(sales: list[Sale]) -> dict[int, int | None]:
    """Return the drift of each sale's last reconciliation with a result, in units."""
    compared = ReconciliationRecord.objects.filter(sale=OuterRef("pk"), drift__isnull=False)
    last: QuerySet[Sale, Any] = (
        Sale.objects.filter(pk__in=[sale.pk for sale in sales])
        .annotate(last_drift=Subquery(compared.order_by("-id").values("drift")[:1]))
        .values_list("pk", "last_drift")
    )
    return dict(last)


def _progress() -> dict[str, Reading] | None:
    """Return how long ago each worker showed that it works, and whether that is too long."""
    try:
        ages = progress.ages()
    except redis.RedisError:
        return None
    patience = health.SILENCE_SECONDS
    known = {name: ages.get(name) for name in {**patience, **ages}}
    return {
        name: {"age": age, "late": name in patience and (age is None or age > patience[name])}
        for name, age in known.items()
    }
