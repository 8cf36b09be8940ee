"""Reads of sales and their stock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from shop.core import clock

from . import counters
from .counters import Rules
from .domain import SaleState, sale_state
from .errors import SaleUnknown
from .models import Allocation, Sale
from .money import format_amount

ON_RECORD = timedelta(days=2)  # how long after a sale's end its requests may be repeated


def get_sale(slug: str) -> Sale:
    """Return the sale called `slug`. Raises SaleUnknown."""
    # PostgreSQL takes no NUL, and reports one as a fault of the program.
    sale = None if "\0" in slug else Sale.objects.filter(slug=slug).first()
    if sale is None:
        raise SaleUnknown(slug)
    return sale


def rules_of(sale: Sale) -> Rules:
    """Return what the counters need to know of a sale."""
    state = "closed" if sale.closed_at else "paused" if sale.paused else "open"
    return Rules(
        state=state,
        opens_ms=clock.to_ms(sale.opens_at),
        closes_ms=clock.to_ms(sale.closes_at) if sale.closes_at else None,
        limit=sale.limit,
        hold_ms=sale.hold_seconds * 1000 if sale.payment == Sale.Payment.REQUIRED else 0,
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """A sale and its stock rows, as the ledger had them when it was read."""

    sale: Sale
    rows: list[Allocation]


def read_offer(slug: str) -> Offer:
    """Return the sale called `slug` with what it offers. Raises SaleUnknown."""
    sale = get_sale(slug)
    return Offer(sale, list(sale.allocations.select_related("product")))


def live_sale(offer: Offer, *, now: datetime) -> dict[str, Any]:
    """Return a sale as the API shows it, availability live from Redis.

    Raises CountersLost (also of a closed sale that Redis no longer holds) and CountersUnavailable.
    """
    sale = offer.sale
    counted = counters.snapshot(sale.pk, sale.slug).skus
    return {
        "sale": sale.slug,
        "state": state_of(sale, now).value,
        "opens_at": clock.rfc3339(clock.to_ms(sale.opens_at)),
        "closes_at": clock.rfc3339(clock.to_ms(sale.closes_at)) if sale.closes_at else None,
        "limit": sale.limit,
        "hold_seconds": sale.hold_seconds,
        "skus": [
            {
                "sku": row.product.sku,
                "name": row.product.name,
                "price": format_amount(row.unit_price, sale.currency),
                "currency": sale.currency,
                "allocated": row.allocated,
                "available": max(counted[row.pk].available, 0) if row.pk in counted else 0,
                "held": row.held,
                "sold": row.sold,
            }
            for row in offer.rows
        ],
    }


def state_of(sale: Sale, now: datetime) -> SaleState:
    """Return what a sale is at `now`."""
    return sale_state(
        now=now,
        opens_at=sale.opens_at,
        closes_at=sale.closes_at,
        paused=sale.paused,
        closed_at=sale.closed_at,
    )


def sales_on_record(*, now: datetime) -> QuerySet[Sale]:
    """Return the sales whose counters Redis has to hold: all but those that ended days ago."""
    ended = now - ON_RECORD
    return Sale.objects.exclude(Q(closed_at__lt=ended) | Q(closes_at__lt=ended))


def open_sales(*, now: datetime) -> list[Sale]:
    """Return the sales that take orders now, or will, the next to open first."""
    running = Sale.objects.filter(closed_at__isnull=True).exclude(closes_at__lte=now)
    return list(running.order_by("opens_at")[:50])
