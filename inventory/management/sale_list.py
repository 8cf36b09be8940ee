"""The state of sales in a list: units, backlog, window."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from inventory import outbox
from inventory.domain import SaleState
from inventory.errors import CountersLost, CountersUnavailable
from inventory.models import Sale
from inventory.selectors import state_of
from shop.core import clock
from shop.core.command_line.terminal import Cell

from .formatting import state_text
from .units import SkuStock, available_units, in_all, stock_of

UNITS = ("available", "in flight", "held", "sold", "backlog")
COLUMNS = ("sale", "state", "opens", "closes", "SKUs", "allocated", *UNITS)
DRAWN_COLUMNS = ("sale", "state", *UNITS)


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one sale. Figures of Redis are None while it does not answer."""

    sale: Sale
    state: SaleState
    stock: list[SkuStock]
    backlog: int | None  # orders accepted and not in PostgreSQL yet

    def row(self) -> tuple[Cell, ...]:
        """Return the cells under COLUMNS."""
        window = _time(self.sale.opens_at), _time(self.sale.closes_at)
        allocated = in_all(self.stock).allocated
        state = self.state.value
        return (self.sale.slug, state, *window, len(self.stock), allocated, *self._units())

    def drawn_row(self, now: datetime) -> tuple[Cell, ...]:
        """Return the cells under DRAWN_COLUMNS, for people at `now`."""
        return (self.sale.slug, state_text(self.sale, now), *self._units())

    def _units(self) -> tuple[int | None, ...]:
        total = in_all(self.stock)
        return (total.available, total.in_flight, total.held, total.sold, self.backlog)

    def document(self) -> dict[str, Any]:
        """Return the sale as `--json` has it (docs/commands.md)."""
        return {
            "sale": self.sale.slug,
            "name": self.sale.name,
            "state": self.state.value,
            "opens_at": _time(self.sale.opens_at),
            "closes_at": _time(self.sale.closes_at),
            "limit": self.sale.limit,
            "hold_seconds": self.sale.hold_seconds,
            "payment": self.sale.payment,
            "backlog": self.backlog,
            "skus": [sku.document() for sku in self.stock],
        }


class StandingReader:
    """Reads sales one after another; the first failure of Redis is the last that is waited for."""

    def __init__(self) -> None:
        self.now = clock.now()
        self.trouble = ""

    def standing(self, sale: Sale) -> Standing:
        """Return how `sale` stands, which comes with its stock rows."""
        stock = stock_of(sale, self._available(sale))
        return Standing(sale, state_of(sale, self.now), stock, self._backlog(sale))

    def _available(self, sale: Sale) -> dict[int, int]:
        if self.trouble:
            return {}
        try:
            with suppress(CountersLost):  # as it may be when a sale ended days ago
                return available_units(sale)
        except CountersUnavailable as error:
            self.trouble = str(error)
        return {}

    def _backlog(self, sale: Sale) -> int | None:
        if self.trouble:
            return None
        try:
            return outbox.backlogs([sale.pk])[sale.pk]
        except redis.RedisError as error:
            self.trouble = f"Redis does not answer: {error}"
            return None


def _time(moment: datetime | None) -> str | None:
    return clock.rfc3339(clock.to_ms(moment)) if moment else None
