"""What the customers of a demo sale want: more than there is, some of it twice. Pure."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import NamedTuple

LIMIT = 4  # units a customer may buy over the whole sale
LATER = 400  # orders between a request and its late repetition

# What is sold, and its share of the stock. All are wanted alike, so they sell out in turn.
SHARES = {"TEE-BLACK": 0.5, "TEE-WHITE": 0.3, "CAP": 0.2}
CLIENTS = ("storefront", "app", "partner")

LINES, LINE_WEIGHTS = (1, 2, 3), (80, 15, 5)
QUANTITIES, QUANTITY_WEIGHTS = (1, 2, 3), (75, 20, 5)
ORDERS_PER_CUSTOMER = 2  # on average; who comes often meets the limit


class Repeat(Enum):
    """When the same request is sent a second time."""

    AT_ONCE = auto()
    LATER = auto()


REPEATED_PERCENT = {Repeat.AT_ONCE: 4, Repeat.LATER: 6, None: 90}
WAITING_PERCENT = 1  # ask for the answer after persistence (`Prefer: wait`)
LOOKING_PERCENT = 2  # look the order up as soon as it is accepted


@dataclass(frozen=True, slots=True)
class Order:
    """One order that a customer wants to place through a client."""

    key: str
    client: str
    customer: str
    lines: Mapping[str, int]
    repeat: Repeat | None = None
    waits: bool = False
    looks: bool = False

    @property
    def units(self) -> int:
        """Over all lines."""
        return sum(self.lines.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """A sale, and all orders that will be tried."""

    sale: str
    stock: Mapping[str, int]
    orders: Sequence[Order]
    limit: int = LIMIT


class Request(NamedTuple):
    """An order to send, or to send again."""

    order: Order
    again: bool = False


def plan_sale(sale: str, *, orders: int, stock: int) -> Plan:
    """Return the plan for `orders` orders and `stock` units; the same arguments, the same plan."""
    random = Random(sale)  # noqa: S311 - no secret
    shares = share_out(stock)
    return Plan(
        sale=sale,
        stock=shares,
        orders=[
            _order(f"{sale}-{number}", random, skus=[*shares], customers=orders)
            for number in range(orders)
        ],
    )


def share_out(stock: int) -> dict[str, int]:
    """Return how many units of each SKU there are: at least one, so of few units fewer SKUs."""
    skus = list(SHARES)[: min(stock, len(SHARES))]
    units = {sku: max(1, int(stock * SHARES[sku])) for sku in skus}
    units[skus[0]] += stock - sum(units.values())
    return units


def requests(orders: Sequence[Order]) -> Iterator[Request]:
    """Yield every order in turn, and late repetitions a good while after their first time."""
    late: deque[tuple[int, Order]] = deque()
    for number, order in enumerate(orders):
        yield Request(order)
        if order.repeat is Repeat.LATER:
            late.append((number + LATER, order))
        while late and late[0][0] <= number:
            yield Request(late.popleft()[1], again=True)
    for _, order in late:
        yield Request(order, again=True)


def _order(key: str, random: Random, *, skus: Sequence[str], customers: int) -> Order:
    count = min(random.choices(LINES, LINE_WEIGHTS)[0], len(skus))
    repeat = random.choices([*REPEATED_PERCENT], [*REPEATED_PERCENT.values()])[0]
    return Order(
        key=key,
        client=random.choice(CLIENTS),
        customer=f"customer-{random.randrange(-(-customers // ORDERS_PER_CUSTOMER))}",
        lines={
            sku: random.choices(QUANTITIES, QUANTITY_WEIGHTS)[0]
            for sku in random.sample(skus, count)
        },
        repeat=repeat,
        # The first answer tells more when it was waited for, a second one of the same moment not.
        waits=repeat is not Repeat.AT_ONCE and random.random() * 100 < WAITING_PERCENT,
        looks=random.random() * 100 < LOOKING_PERCENT,
    )
