"""What Prometheus is told, read from both stores at the moment it asks: true for any number of
processes, and nothing to keep up to date."""

from collections.abc import Iterator

import redis
from django.db import InterfaceError, OperationalError
from django.db.models import Count, OuterRef
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from inventory import outbox
from inventory.selectors import sales_on_record
from orders.models import DeadLetter, Delivery, LostOrder, PaymentNotice, ReconciliationRecord
from shop.core import clock, progress

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Families = Iterator[GaugeMetricFamily]


def render() -> bytes:
    """Return all figures in Prometheus' text format; those of a store that is away are missing."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return generate_latest(registry)


class _Figures(Collector):
    def collect(self) -> Families:
        up = GaugeMetricFamily("shop_up", "Whether a store answers.", labels=["store"])
        for store, figures in (("postgresql", _from_postgresql), ("redis", _from_redis)):
            try:
                yield from list(figures())
            except (OperationalError, InterfaceError, redis.RedisError):
                up.add_metric([store], 0)
            else:
                up.add_metric([store], 1)
        yield up


def _from_postgresql() -> Families:
    yield from _reconciliations()
    waiting = GaugeMetricFamily(
        "shop_waiting_for_a_person", "What a person has to look at.", labels=["what"]
    )
    waiting.add_metric(["dead letters"], DeadLetter.objects.filter(resolution="").count())
    waiting.add_metric(["lost orders"], LostOrder.objects.filter(confirmed=True).count())
    attention = PaymentNotice.objects.filter(state__in=PaymentNotice.NEEDS_ATTENTION)
    waiting.add_metric(["payment notices"], attention.count())
    waiting.add_metric(["deliveries"], Delivery.objects.filter(state="dead").count())
    yield waiting

    pending = GaugeMetricFamily(
        "shop_deliveries_pending", "Notifications under way.", labels=["channel"]
    )
    counts = Delivery.objects.filter(state="pending").order_by().values_list("endpoint__channel")
    for channel, count in counts.annotate(count=Count("pk")):
        pending.add_metric([channel], count)
    yield pending


def _reconciliations() -> Families:
    """Yield what the last reconciliation of each sale found."""
    drift = GaugeMetricFamily(
        "shop_drift_units", "Units that Redis and PostgreSQL differ in.", labels=["sale"]
    )
    age = GaugeMetricFamily(
        "shop_reconciliation_age_seconds", "Since the last that could tell.", labels=["sale"]
    )
    units = GaugeMetricFamily(
        "shop_units", "Where a sale's units are.", labels=["sale", "sku", "state"]
    )
    now = clock.now()
    told = ReconciliationRecord.objects.filter(drift__isnull=False, sale=OuterRef("pk"))
    last = sales_on_record(now=now).annotate(last=told.order_by("-id").values("pk")[:1])
    records = ReconciliationRecord.objects.filter(pk__in=last.values("last"))
    for record in records.select_related("sale"):
        slug = record.sale.slug
        drift.add_metric([slug], record.drift or 0)
        age.add_metric([slug], (now - record.compared_at).total_seconds())
        for sku in record.skus:
            for state in ("allocated", "available", "in_flight", "held", "sold"):
                units.add_metric([slug, sku["sku"], state], sku[state])
    yield from (drift, age, units)


def _from_redis() -> Families:
    ages = GaugeMetricFamily(
        "shop_progress_age_seconds", "Since each last made progress.", labels=["name"]
    )
    for name, seconds in progress.ages().items():
        ages.add_metric([name], seconds)
    yield ages

    entries = GaugeMetricFamily(
        "shop_outbox_entries", "Accepted orders that are not persisted yet.", labels=["sale"]
    )
    oldest = GaugeMetricFamily(
        "shop_outbox_oldest_seconds", "How long the oldest of them waits.", labels=["sale"]
    )
    now_ms = clock.to_ms(clock.now())
    slugs = dict(sales_on_record(now=clock.now()).values_list("pk", "slug"))
    for sale_id, (waiting, since_ms) in outbox.waiting(list(slugs)).items():
        entries.add_metric([slugs[sale_id]], waiting)
        oldest.add_metric([slugs[sale_id]], (now_ms - since_ms) / 1000 if waiting else 0)
    yield from (entries, oldest)
