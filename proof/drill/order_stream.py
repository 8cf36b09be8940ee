"""The orders that the clients of a drill place: an endless, steady stream. Pure."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PLENTY, SCARCE = "plenty", "scarce"
SKU = "DRILL"
STOCK: Mapping[str, int] = {PLENTY: 1_000_000, SCARCE: 250}
SCARCE_EVERY = 5  # one order in so many is for the sale that sells out
TWICE_EVERY = 20  # one order in so many is sent a second time after its answer
MOST_UNITS = 3


@dataclass(frozen=True, slots=True)
class DrillOrder:
    """One order: its key stays the same over all tries."""

    key: str
    sale: str
    units: int
    is_sent_twice: bool = False


def order_stream(prefix: str, sales: Mapping[str, str]) -> Iterator[DrillOrder]:
    """Yield orders for the two `sales` (slugs by PLENTY and SCARCE); keys begin with `prefix`."""
    for number in itertools.count():
        scarce = number % SCARCE_EVERY == 0
        yield DrillOrder(
            key=f"{prefix}-{number}",
            sale=sales[SCARCE if scarce else PLENTY],
            units=1 if scarce else 1 + number % MOST_UNITS,
            is_sent_twice=number % TWICE_EVERY == 1,
        )
