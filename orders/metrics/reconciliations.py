"""Findings of the last reconciliation of each sale: PostgreSQL."""

from collections.abc import Iterator

from django.db.models import OuterRef, Subquery
from prometheus_client.core import Metric

from inventory.models import Sale
from orders.models import ReconciliationRecord

from .context import ScrapeContext
from .families import gauge

_STATES = ("allocated", "available", "in_flight", "held", "sold")


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield drift, where the units are, and how old the finding is."""
    last = _last_conclusive(context)
    yield gauge(
        "shop_drift_units",
        "Units that Redis and PostgreSQL differ in.",
        ["sale"],
        [(slug, record.drift or 0) for slug, record in last.items()],
    )
    yield gauge(
        "shop_reconciliation_age_seconds",
        "Since the last that could tell; while nothing changes, one a minute is kept.",
        ["sale"],
        [
            (slug, (context.now - record.compared_at).total_seconds())
            for slug, record in last.items()
        ],
    )
    yield gauge(
        "shop_units",
        "Where a sale's units are.",
        ["sale", "sku", "state"],
        [
            (slug, sku["sku"], state, sku[state])
            for slug, record in last.items()
            for sku in record.skus
            for state in _STATES
        ],
    )


def _last_conclusive(context: ScrapeContext) -> dict[str, ReconciliationRecord]:
    conclusive = ReconciliationRecord.objects.filter(drift__isnull=False, sale=OuterRef("pk"))
    last = conclusive.order_by("-id").values("pk")[:1]
    ids = (
        Sale.objects.filter(pk__in=context.sales).order_by().values_list(Subquery(last), flat=True)
    )
    # By their ids, in a query of its own: a join might read all that were ever kept.
    records = ReconciliationRecord.objects.filter(pk__in=list(ids))
    return {context.sales[record.sale_id].slug: record for record in records}
