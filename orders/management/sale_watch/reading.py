"""Reading a sale once: from both stores, and from one alone while the other is away."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import redis
from django.db import InterfaceError, OperationalError, connection

from inventory import outbox
from inventory.domain import SaleState
from inventory.errors import CountersLost, CountersUnavailable
from inventory.management.units import SkuStock, available_units, stock_of
from inventory.models import Sale
from inventory.selectors import get_sale, state_of
from orders.models import ReconciliationRecord
from orders.reads import live_stats
from orders.reads.selectors import WaitingPayments, waiting_for_a_person, waiting_payments
from shop.core import clock
from shop.core.error_text import first_line

from .pace import Pace, pace_of, wanted_seconds


@dataclass(frozen=True, slots=True)
class Ledger:
    """A sale in PostgreSQL."""

    read_at: datetime
    sale: Sale  # with its stock rows
    compared: ReconciliationRecord | None  # the last reconciliation
    for_a_person: dict[str, int]  # of all sales
    payments: WaitingPayments  # of all sales


@dataclass(frozen=True, slots=True)
class Counts:
    """A sale in Redis; None stands for an unknown value."""

    available: dict[int, int] = field(default_factory=dict)  # units by stock row
    backlog: int | None = None  # orders accepted and not persisted
    oldest_seconds: float | None = None  # how long the first of them waits
    pace: Pace | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A sale at one moment, from both stores."""

    at: datetime
    ledger: Ledger
    counts: Counts
    trouble: list[str]  # one sentence for each store that could not be read

    @property
    def sale(self) -> Sale:
        """The sale as the ledger has it."""
        return self.ledger.sale

    @property
    def state(self) -> SaleState:
        """The state of the sale at the moment of the reading."""
        return state_of(self.sale, self.at)

    @property
    def stock(self) -> list[SkuStock]:
        """The stock of each SKU, with the units available in Redis."""
        return stock_of(self.sale, self.counts.available)


class Reader:
    """Reads one sale again and again; every wait for a server is bounded by its connection."""

    def __init__(self, slug: str) -> None:
        """Raises SaleUnknown, and OperationalError where PostgreSQL is away from the start."""
        self._slug = slug
        self._ledger = _read_ledger(slug)

    def read(self) -> Reading:
        """Return the sale as of now; while PostgreSQL is away, with its last known ledger."""
        trouble: list[str] = []
        try:
            self._ledger = _read_ledger(self._slug)
        except (OperationalError, InterfaceError) as error:
            connection.close()  # it does not come back by itself
            trouble.append(
                f"PostgreSQL does not answer, its figures are of "
                f"{self._ledger.read_at:%H:%M:%S} UTC: {first_line(error)}"
            )
        counts = _read_counts(self._ledger.sale, trouble)
        return Reading(clock.now(), self._ledger, counts, trouble)


def _read_ledger(slug: str) -> Ledger:
    sale = get_sale(slug)
    sale = Sale.objects.prefetch_related("allocations__product").get(pk=sale.pk)
    records = ReconciliationRecord.objects.filter(sale=sale)
    waiting = {what: rows.count() for what, rows in waiting_for_a_person().items()}
    last = records.order_by("-id").first()
    return Ledger(clock.now(), sale, last, waiting, waiting_payments())


def _read_counts(sale: Sale, trouble: list[str]) -> Counts:
    try:
        counts = _read_figures(sale)
    except redis.RedisError as error:
        trouble.append(f"Redis does not answer: {first_line(error)}")
        return Counts()
    try:
        return replace(counts, available=available_units(sale))
    except (CountersLost, CountersUnavailable) as error:
        trouble.append(first_line(error))
    return counts


def _read_figures(sale: Sale) -> Counts:
    now = clock.now()
    backlog, since_ms = outbox.waiting([sale.pk])[sale.pk]
    after, until = wanted_seconds(now.timestamp())
    return Counts(
        backlog=backlog,
        oldest_seconds=max(0.0, (clock.to_ms(now) - since_ms) / 1000) if backlog else None,
        pace=pace_of(live_stats.seconds(sale.pk, after=after, until=until), until=until),
    )
