"""Changing the rules of a sale while it runs.

Each change is written to PostgreSQL first, under the condition that the sale was not changed
since the caller read it (its `version`), and then brought to Redis, by whose rules orders are
decided. Where Redis does not take it, the change stands all the same: CountersLost or
CountersUnavailable say so, and `sync_to_redis` brings it there: workers run it every ten seconds.
"""

from datetime import datetime
from typing import Any

from django.db.models import F

from inventory import errors
from inventory.domain import MAX_QUANTITY, SaleState, in_time
from inventory.models import Sale
from inventory.selectors import ON_RECORD, state_of
from inventory.validators import OUT_OF_TIME

from .publishing import publish_rules


def open_sale(sale: Sale, *, version: int, now: datetime) -> None:
    """Take orders from now on: ends a pause, and opens what is scheduled for later.

    Raises RuleRefused, SaleChanged; CountersLost, CountersUnavailable once it is written.
    """
    if state_of(sale, now) is SaleState.OPEN:
        raise errors.RuleRefused("The sale is open already.")
    _require_running(sale, now)
    _change(sale, version=version, paused=False, opens_at=min(sale.opens_at, now))


def pause_sale(sale: Sale, *, version: int, now: datetime) -> None:
    """Take no orders until the sale is opened again. Raises as `open_sale` does."""
    _require_running(sale, now)
    if sale.paused:
        raise errors.RuleRefused("The sale is paused already.")
    _change(sale, version=version, paused=True)


def change_window(
    sale: Sale, *, version: int, now: datetime, opens_at: datetime, closes_at: datetime | None
) -> None:
    """Change when the sale opens, unless it has opened, and when it closes (None: by hand only).

    A sale whose closing time has passed goes on where it gets a later one, as long as the requests
    of its customers are on record. Raises as `open_sale` does.
    """
    check_window(sale, now=now, opens_at=opens_at, closes_at=closes_at)
    _change(sale, version=version, opens_at=opens_at, closes_at=closes_at)


def check_window(
    sale: Sale, *, now: datetime, opens_at: datetime, closes_at: datetime | None
) -> None:
    """Raises RuleRefused where a sale cannot get this window."""
    if sale.closed_at is not None:
        raise errors.RuleRefused("The sale was closed for good.")
    if not all(in_time(moment) for moment in (opens_at, closes_at) if moment):
        raise errors.RuleRefused(OUT_OF_TIME)
    if sale.closes_at is not None and sale.closes_at < now - ON_RECORD:
        raise errors.RuleRefused("The sale ended too long ago: its requests are not on record.")
    if opens_at != sale.opens_at and sale.opens_at <= now:
        raise errors.RuleRefused("The sale has opened already: that time cannot change any more.")
    if opens_at != sale.opens_at and opens_at <= now:
        raise errors.RuleRefused("The opening time has passed: open the sale now instead.")
    if closes_at is not None and closes_at <= max(now, opens_at):
        raise errors.RuleRefused("The closing time is after now, and after the opening time.")
    if (opens_at, closes_at) == (sale.opens_at, sale.closes_at):
        raise errors.RuleRefused("This is the window already.")


def change_existing_limit(sale: Sale, *, version: int, now: datetime, limit: int) -> None:
    """Change how many units one customer may buy over the whole sale (0: as many as there are).

    A customer that has bought more keeps it, and gets no more. Raises as `open_sale` does;
    UnitsNotCounted where there was no limit: only then are the customers' units not counted.
    """
    check_limit(sale, now=now, limit=limit)
    if not sale.limit:
        raise errors.UnitsNotCounted(sale.slug)
    _change(sale, version=version, limit=limit)


def check_limit(sale: Sale, *, now: datetime, limit: int) -> None:
    """Raises RuleRefused where a sale cannot get this limit."""
    _require_running(sale, now)
    if not 0 <= limit <= MAX_QUANTITY:
        raise errors.RuleRefused(f"A limit is a whole number from 0 to {MAX_QUANTITY:,}.")
    if limit == sale.limit:
        raise errors.RuleRefused("This is the limit already.")


def close_sale(sale: Sale, *, now: datetime) -> bool:
    """Take no more orders; those that hold stock live on. Returns False if it was closed before.

    Raises CountersLost, CountersUnavailable when only PostgreSQL knows of it so far; closing again
    brings it to Redis.
    """
    closed = Sale.objects.filter(pk=sale.pk, closed_at__isnull=True).update(
        closed_at=now, version=F("version") + 1
    )
    sale.refresh_from_db()
    publish_rules(sale)
    return closed == 1


def raise_version(sale: Sale, *, version: int, **fields: Any) -> None:
    """Write `fields` and the next version, if the sale was not changed since `version`.

    Raises SaleChanged. Redis does not know yet.
    """
    changed = Sale.objects.filter(pk=sale.pk, version=version, closed_at__isnull=True).update(
        version=F("version") + 1, **fields
    )
    if changed != 1:
        raise errors.SaleChanged(sale.slug)
    sale.refresh_from_db()


def _change(sale: Sale, *, version: int, **fields: Any) -> None:
    raise_version(sale, version=version, **fields)
    publish_rules(sale)


def _require_running(sale: Sale, now: datetime) -> None:
    if sale.closed_at is not None:
        raise errors.RuleRefused("The sale was closed for good.")
    if state_of(sale, now) is SaleState.CLOSED:
        raise errors.RuleRefused("The sale has ended; give it a later closing time first.")
