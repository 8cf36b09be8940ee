"""Bringing to Redis what PostgreSQL has: may be repeated, and what is older changes nothing."""

import redis

from inventory import counters, errors
from inventory.models import Allocation, Sale
from inventory.selectors import rules_of


def publish_rules(sale: Sale) -> None:
    """Bring a sale's rules to its counters. Raises CountersLost, CountersUnavailable."""
    try:
        known = counters.publish(
            sale.pk, epoch=sale.epoch, version=sale.version, rules=rules_of(sale)
        )
    except redis.RedisError as error:
        raise errors.CountersUnavailable(f"Redis does not answer: {error}") from error
    if not known:
        raise errors.CountersLost(sale.slug)


def sync_to_redis(sale: Sale) -> None:
    """Bring to Redis what it may have missed: rules, and added stock. Idempotent.

    Raises CountersLost, CountersUnavailable.
    """
    publish_rules(sale)
    stock = list(Allocation.objects.filter(sale=sale).values_list("pk", "allocated"))
    counters.allocate(sale.pk, sale.slug, epoch=sale.epoch, stock=stock)
