"""Lateness of each duty: PostgreSQL, and Redis beside it."""

from collections.abc import Iterator

import msgspec
import redis
from prometheus_client.core import Metric

from orders.reads.lateness import lateness

from .context import ScrapeContext
from .families import gauge


def collect(context: ScrapeContext) -> Iterator[Metric]:
    """Yield for how long the oldest piece of each duty's work waits; nothing without Redis."""
    try:
        found = lateness()
    except redis.RedisError:  # shown as another store's absence, not as this one's
        return
    yield gauge(
        "shop_lateness_seconds",
        "For how long the oldest piece of a duty's work waits; 0: none does.",
        ["duty"],
        list(msgspec.structs.asdict(found).items()),
    )
