"""Limiting what one customer may buy, also in a sale that had no limit so far."""

from datetime import datetime

import redis

from inventory import counters
from inventory.errors import CountersUnavailable, SaleChanged, UnitsNotCounted
from inventory.models import Sale
from inventory.services import rules

from .rebuild import rebuild_stock


def change_limit(sale: Sale, *, version: int, now: datetime, limit: int) -> None:
    """Change how many units one customer may buy over the whole sale; 0: as many as there are.

    Without a limit, units per customer are not counted. To get one, the sale's counters are rebuilt
    from PostgreSQL, and orders are answered 503 meanwhile: a moment, or seconds where there are
    many. Raises RuleRefused, SaleChanged; CountersLost, CountersUnavailable once it is written.
    """
    try:
        rules.change_existing_limit(sale, version=version, now=now, limit=limit)
    except UnitsNotCounted:
        _count_and_limit(sale, version=version, limit=limit)


def _count_and_limit(sale: Sale, *, version: int, limit: int) -> None:
    if not Sale.objects.filter(pk=sale.pk, version=version).exists():
        raise SaleChanged(sale.slug)
    try:
        counters.fence(sale.pk)  # no order meets a limit that counts from nothing
        try:
            rules.raise_version(sale, version=version, limit=limit)
        finally:
            rebuild_stock(sale.pk)
    except redis.RedisError as error:
        raise CountersUnavailable(
            f"Redis does not answer: {error}. If orders are refused when it is back: "
            f"manage.py rebuild_stock {sale.slug}"
        ) from error
    sale.refresh_from_db()
