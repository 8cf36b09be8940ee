"""Deliveries on their way to webhooks, mail and SMS: PostgreSQL; those that arrived: Redis."""

from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Count, Q
from prometheus_client.core import Metric

from orders.models import Endpoint
from orders.services import sent_count
from shop.core.stores import sql

from .context import ScrapeContext
from .families import counter, gauge
from .postgresql import COUNTED_EXACTLY, SQL

_CHANNELS = tuple(Endpoint.Channel.values)


class Channel(NamedTuple):
    """A row of delivery_figures.sql."""

    name: str
    pending: int
    dead: int
    oldest_seconds: float
    overdue_seconds: float


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield what waits and what was given up, by channel, and how the endpoints are."""
    parameters = {"now": context.now, "most": COUNTED_EXACTLY, "channels": sql.array(_CHANNELS)}
    rows = sql.run(SQL / "delivery_figures.sql", parameters)
    channels = [Channel(*row) for row in rows]
    yield gauge(
        "shop_deliveries_pending",
        f"Notifications under way; of each endpoint up to {COUNTED_EXACTLY} are counted.",
        ["channel"],
        [(channel.name, channel.pending) for channel in channels],
    )
    yield gauge(
        "shop_deliveries_dead",
        f"Notifications that were given up; up to {COUNTED_EXACTLY} are counted.",
        ["channel"],
        [(channel.name, channel.dead) for channel in channels],
    )
    yield gauge(
        "shop_deliveries_oldest_seconds",
        f"Age of the oldest notification under way, among {COUNTED_EXACTLY} of each endpoint.",
        ["channel"],
        [(channel.name, channel.oldest_seconds) for channel in channels],
    )
    yield gauge(
        "shop_deliveries_overdue_seconds",
        "How long what is due longest has waited, of endpoints that answer.",
        ["channel"],
        [(channel.name, channel.overdue_seconds) for channel in channels],
    )
    yield from _endpoints()


def _endpoints() -> Iterator[Metric]:
    failing, disabled = Q(active=True, failing_since__isnull=False), ~Q(disabled_reason="")
    found = Endpoint.objects.aggregate(
        working=Count("pk", filter=Q(active=True, failing_since__isnull=True)),
        failing=Count("pk", filter=failing),
        disabled=Count("pk", filter=Q(active=False) & disabled),
        off=Count("pk", filter=Q(active=False, disabled_reason="")),
    )
    yield gauge(
        "shop_endpoints",
        "Places that events are told to; disabled: by us, as calls failed; off: by a person.",
        ["state"],
        list(found.items()),
    )


def collect_sent(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how many notifications have arrived."""
    arrived = sent_count.totals()
    yield counter(
        "shop_deliveries_sent_total",
        "Notifications that have arrived.",
        ["channel"],
        [(channel, arrived.get(channel, 0)) for channel in _CHANNELS],
    )
