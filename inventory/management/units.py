"""A sale's units as commands show them: what is held and sold from the ledger, the rest live."""

from dataclasses import dataclass
from typing import Any

from inventory import counters
from inventory.models import Sale


@dataclass(frozen=True, slots=True)
class SkuStock:
    """The units of one SKU. Both stores are read at slightly different moments."""

    sku: str
    allocated: int
    available: int | None  # None where Redis cannot tell
    held: int
    sold: int

    @property
    def in_flight(self) -> int | None:
        """Units of orders that are accepted and not in the ledger yet; never below 0."""
        if self.available is None:
            return None
        return max(0, self.allocated - self.available - self.held - self.sold)

    def document(self) -> dict[str, Any]:
        """Return the units as `--json` has them."""
        return {
            "sku": self.sku,
            "allocated": self.allocated,
            "available": self.available,
            "in_flight": self.in_flight,
            "held": self.held,
            "sold": self.sold,
        }


def available_units(sale: Sale) -> dict[int, int]:
    """Return the units left, by stock row. Raises CountersLost, CountersUnavailable."""
    counted = counters.snapshot(sale.pk, sale.slug).skus
    return {pk: max(0, sku.available) for pk, sku in counted.items()}


def stock_of(sale: Sale, available: dict[int, int]) -> list[SkuStock]:
    """Return the units of each of a sale's SKUs, with what is `available` by stock row."""
    return [
        SkuStock(row.product.sku, row.allocated, available.get(row.pk), row.held, row.sold)
        for row in sale.allocations.all()
    ]


def in_all(stock: list[SkuStock]) -> SkuStock:
    """Return the units of all SKUs together; nothing is known to be available if one is not."""
    available = [sku.available for sku in stock]
    return SkuStock(
        sku="",
        allocated=sum(sku.allocated for sku in stock),
        available=None if None in available else sum(filter(None, available)),
        held=sum(sku.held for sku in stock),
        sold=sum(sku.sold for sku in stock),
    )
