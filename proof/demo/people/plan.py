"""The plan of a demo sale: more orders than stock, and what follows each of them. Pure."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from .order_plans import PlannedOrder, Repeat, latecomer, rush_order

PRICE = "25.00"
LIMIT = 4  # units a customer may buy over the whole sale
LATER = 400  # orders between a request and its late repetition
HOLD_SECONDS = 10  # longer than ordering takes on a small machine, and short enough to watch

# The SKUs and their shares of the stock. Demand is equal, so the smaller ones sell out first.
SHARES = {"TEE-BLACK": 0.5, "TEE-WHITE": 0.3, "CAP": 0.2}

# These come when the first holds are over, and want what was sold out and is on sale again.
LATECOMERS_PERCENT = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A sale, and all orders that will be tried."""

    sale: str
    stock: Mapping[str, int]
    orders: Sequence[PlannedOrder]
    limit: int = LIMIT
    hold_seconds: int = HOLD_SECONDS

    @property
    def rush(self) -> list[PlannedOrder]:
        """The orders that are tried as soon as the sale opens."""
        return [order for order in self.orders if not order.comes_late]

    @property
    def latecomers(self) -> list[PlannedOrder]:
        """The orders that are tried when the holds of the others are over."""
        return [order for order in self.orders if order.comes_late]


class Request(NamedTuple):
    """An order to send, or to send again."""

    order: PlannedOrder
    again: bool = False


def plan_sale(sale: str, *, orders: int, stock: int) -> Plan:
    """Return the plan for `orders` orders and `stock` units; the same sizes, the same orders."""
    random = Random(f"{orders} for {stock}")  # noqa: S311 - no secret
    shares = share_out(stock)
    late = orders * LATECOMERS_PERCENT // 100
    keys = [f"{sale}-{number}" for number in range(orders)]
    rush = [
        rush_order(key, random, skus=[*shares], customers=orders) for key in keys[: orders - late]
    ]
    # Not the first SKU: of that there is stock for late payers, of the others hardly any.
    scarce = [*shares][1:] or [*shares]
    latecomers = [latecomer(key, random, skus=scarce) for key in keys[orders - late :]]
    return Plan(sale=sale, stock=shares, orders=rush + latecomers)


def share_out(stock: int) -> dict[str, int]:
    """Return how many units of each SKU there are: at least one, so of few units fewer SKUs."""
    skus = list(SHARES)[: min(stock, len(SHARES))]
    units = {sku: max(1, int(stock * SHARES[sku])) for sku in skus}
    units[skus[0]] += stock - sum(units.values())
    return units


def requests(orders: Sequence[PlannedOrder]) -> Iterator[Request]:
    """Yield every order in turn, and late repetitions a good while after their first time."""
    late: deque[tuple[int, PlannedOrder]] = deque()
    for number, order in enumerate(orders):
        yield Request(order)
        if order.repeat is Repeat.LATER:
            late.append((number + LATER, order))
        while late and late[0][0] <= number:
            yield Request(late.popleft()[1], again=True)
    for _, order in late:
        yield Request(order, again=True)
